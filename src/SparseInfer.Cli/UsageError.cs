using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using SparseInfer.Loading;

namespace SparseInfer.Cli;

/// <summary>What is wrong with a command line before any command looks at it.</summary>
internal static class UsageError
{
    /// <summary>The message; null: nothing is wrong, or something else than the command was asked for, as help is.</summary>
    public static string? Of(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        bool isWrong = result.Action is ParseErrorAction;
        if (!isWrong && result.Action != command.Action)
        {
            return null;
        }

        // An argument takes whatever stands there, and so also an option that is none.
        Token[] before = [.. result.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash)];
        IEnumerable<string> taken = command.Arguments.SelectMany(argument => result.GetResult(argument)?.Tokens ?? [])
            .Where(token => before.Contains(token)).Select(token => token.Value);
        if (taken.Concat(result.UnmatchedTokens).FirstOrDefault(IsLikeOption) is { } option)
        {
            return NoOption(option, command);
        }

        return !isWrong ? null
            : command is RootCommand ? NoCommand(result.UnmatchedTokens.FirstOrDefault(), command)
            : $"{result.Errors[0].Message} Try --help.";
    }

    private static bool IsLikeOption(string text) => text.Length > 1 && text[0] == '-' && !text.Any(char.IsWhiteSpace);

    private static string NoOption(string option, Command command)
    {
        string name = option.Split('=', ':')[0];
        IEnumerable<string> known = command.Options.SelectMany(possible => (string[])[possible.Name, .. possible.Aliases]);
        string text = command.Arguments.Count > 0 ? " What begins with '-' and is no option stands after '--'." : "";
        return $"there is no option {name}{Near(name, known)} Try --help.{text}";
    }

    private static string NoCommand(string? word, Command root)
    {
        string[] commands = [.. root.Subcommands.Select(command => command.Name)];
        string all = $"There are: {string.Join(", ", commands)}. Try --help.";
        return word is null ? $"give a command. {all}" : $"there is no command {word}{Near(word, commands)} {all}";
    }

    private static string Near(string word, IEnumerable<string> known) => ClosestName.Find(word, known) is { } near ? $"; is {near} meant?" : ".";
}
