using System.Text;
using SparseInfer.Text;

namespace SparseInfer.Cli.Eval;

/// <summary>A text as windows of tokens that are predicted one after the other; a window sees nothing of those before it.</summary>
internal sealed class TextWindows
{
    private readonly int[] _tokens;
    private readonly int? _begin;
    private readonly int _window;
    private readonly int _available;

    private TextWindows(int[] tokens, int? begin, int window, int count, int available)
    {
        _tokens = tokens;
        _begin = begin;
        _window = window;
        _available = available;
        Count = count;
    }

    /// <summary>Number of windows.</summary>
    public int Count { get; }

    /// <summary>Tokens that are predicted.</summary>
    public int Tokens => Count * _window;

    /// <summary>Reads a text.</summary>
    /// <exception cref="CliException">The file is none.</exception>
    public static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        }
        catch (DecoderFallbackException)
        {
            throw new CliException($"{path} is no UTF-8 text: --text takes one.");
        }
    }

    /// <summary>Tokenizes a text.</summary>
    /// <exception cref="CliException">It is shorter than a window.</exception>
    public static TextWindows Of(string text, EvalOptions options, Tokenizer tokenizer)
    {
        int window = options.Window;
        int[] tokens = tokenizer.Encode(text, addBeginOfSequence: false);

        // Some files name a token that their model was not trained to begin with.
        int? begin = tokenizer.Encode("", addBeginOfSequence: true) is [int first, ..] ? first : null;

        // Without a token that begins a sequence, a window's first token is there to go on from, and is not predicted.
        int available = (begin is null ? tokens.Length - 1 : tokens.Length) / window;
        return available > 0
            ? new(tokens, begin, window, Math.Min(available, (options.Tokens ?? int.MaxValue) / window), available)
            : throw new CliException($"{options.TextFile} has {tokens.Length} tokens, and a window {window}: give a longer text, or a shorter --window.");
    }

    /// <summary>The beginning of the text, as a sequence of its own.</summary>
    /// <param name="count">How many tokens, the one that begins a sequence among them.</param>
    /// <exception cref="CliException">There are not so many.</exception>
    public int[] Begin(int count)
    {
        int[] all = _begin is { } begin ? [begin, .. _tokens] : _tokens;
        return all.Length >= count
            ? all[..count]
            : throw new CliException($"{EvalOptions.SpeedOption} takes {count} tokens with the prompt, and the text has {all.Length}: give a longer text, or fewer tokens.");
    }

    /// <summary>What a window's tokens are predicted from, and what they are.</summary>
    /// <param name="index">0 to <see cref="Count"/>: windows are spread evenly over the text.</param>
    /// <param name="input">Room for a window.</param>
    /// <returns>The tokens to predict.</returns>
    public ReadOnlySpan<int> Read(int index, Span<int> input)
    {
        int start = (int)((long)index * _available / Count) * _window;
        if (_begin is not { } begin)
        {
            _tokens.AsSpan(start, _window).CopyTo(input);
            return _tokens.AsSpan(start + 1, _window);
        }

        input[0] = begin;
        _tokens.AsSpan(start, _window - 1).CopyTo(input[1..]);
        return _tokens.AsSpan(start, _window);
    }
}
