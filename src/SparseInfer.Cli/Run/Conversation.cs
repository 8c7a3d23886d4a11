using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using SparseInfer.Sampling;

namespace SparseInfer.Cli.Run;

/// <summary>Turns and a session that has computed them. What a new prompt has in common with what was computed is not computed again.</summary>
/// <param name="session">Where it is computed.</param>
/// <param name="template">How turns become text.</param>
/// <param name="tokenizer">How text becomes tokens.</param>
/// <param name="system">The system's turn; null: there is none.</param>
internal sealed class Conversation(Session session, ChatTemplate template, Text.Tokenizer tokenizer, string? system)
{
    /// <summary>Tokens of a prompt between two looks at whether the answer was ended.</summary>
    private const int Slice = 256;

    private static readonly JsonSerializerOptions Written = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly List<ChatTurn> _turns = system is null ? [] : [new("system", system)];

    /// <summary>How the last answer went; null: there is none, or it ended before its first token.</summary>
    public Answered? LastAnswer { get; private set; }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _turns.Clear();
        if (system is not null)
        {
            _turns.Add(new("system", system));
        }
    }

    /// <summary>Answers a message, which joins the conversation with what was said of the answer, even if that is ended early.</summary>
    /// <param name="message">The user's.</param>
    /// <param name="options">How it is answered.</param>
    /// <param name="cancellationToken">Ends the answer.</param>
    /// <exception cref="ChatRefusedException">The template does not take the conversation; the message is forgotten.</exception>
    /// <exception cref="CliException">It does not fit in the context; the message is forgotten.</exception>
    /// <exception cref="GrammarException">A grammar cannot be followed any further; the message is forgotten, and what was said of the answer.</exception>
    public async IAsyncEnumerable<string> AnswerAsync(string message, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int[] tokens = tokenizer.EncodeChat(template.Render([.. _turns, new("user", message)]));
        if (tokens.Length >= session.Context)
        {
            throw new CliException($"the conversation has {tokens.Length} tokens with this message, and the context holds {session.Context}: /clear begins anew.");
        }

        _turns.Add(new("user", message));
        int turns = _turns.Count;
        LastAnswer = null;
        SparsityMode mode = session.Mode;
        bool isBegun = false;
        var answer = new StringBuilder();
        int prompt = 0;
        TimeSpan promptTime = TimeSpan.Zero;
        try
        {
            int common = Math.Min(session.Tokens.CommonPrefixLength(tokens), tokens.Length - 1);
            session.Rewind(common);
            long start = Stopwatch.GetTimestamp();
            while (session.Position < tokens.Length)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int from = session.Position;
                int count = Math.Min(Slice, tokens.Length - from);
                await Task.Run(() => Compute(tokens, from, count), CancellationToken.None);
                prompt += count;
            }

            promptTime = Stopwatch.GetElapsedTime(start);
            isBegun = true;
            await using IAsyncEnumerator<string> pieces = session.GenerateAsync("", options, cancellationToken).GetAsyncEnumerator(CancellationToken.None);
            while (await NextAsync(pieces, cancellationToken))
            {
                answer.Append(pieces.Current);
                yield return pieces.Current;
            }

            // Nothing follows any more that would make a stop string of it.
            if (session.LastGeneration is { HeldText: { Length: > 0 } held })
            {
                answer.Append(held);
                yield return held;
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            if (_turns.Count == turns)
            {
                _turns.Add(new("assistant", answer.ToString()));
            }

            // One that was ended in its prompt leaves the session with what it says of the one before.
            LastAnswer = isBegun && session.LastGeneration is { } generation ? new(generation with { PromptTokens = prompt, PromptTime = promptTime }, mode) : null;
        }
    }

    /// <summary>Writes the turns as JSON, whole or not at all.</summary>
    /// <exception cref="CliException">They cannot be written.</exception>
    public void Save(string path) => OutputFile.WriteWhole(
        path, JsonSerializer.Serialize(_turns.Select(turn => new SavedTurn(turn.Role, turn.Content ?? "")), Written) + "\n", "/save");

    /// <summary>Takes turns from a file in place of these.</summary>
    /// <exception cref="CliException">There are none in it.</exception>
    public void Load(string path)
    {
        SavedTurn[] turns;
        try
        {
            turns = JsonSerializer.Deserialize<SavedTurn[]>(File.ReadAllText(path), Written) ?? [];
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or IOException or UnauthorizedAccessException)
        {
            throw new CliException($"/load {path}: {(exception is JsonException ? "it is no conversation: an array of objects with 'role' and 'content'" : exception.Message)}");
        }

        if (Array.Exists(turns, turn => turn is not { Role: "system" or "user" or "assistant", Content: not null }))
        {
            throw new CliException($"/load {path}: every turn has a 'role', which is system, user or assistant, and a 'content'.");
        }

        _turns.Clear();
        _turns.AddRange(turns.Select(turn => new ChatTurn(turn.Role, turn.Content)));
    }

    /// <summary>Whether there is another piece: of an answer that is ended there is none. Where a grammar allows none, the message is taken back.</summary>
    private async Task<bool> NextAsync(IAsyncEnumerator<string> pieces, CancellationToken cancellationToken)
    {
        try
        {
            return await pieces.MoveNextAsync();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (GrammarException)
        {
            _turns.RemoveAt(_turns.Count - 1);
            throw;
        }
    }

    private void Compute(int[] tokens, int from, int count) => session.Forward(tokens.AsSpan(from, count));

    /// <summary>A turn in a file.</summary>
    private sealed record SavedTurn(string Role, string Content);
}
