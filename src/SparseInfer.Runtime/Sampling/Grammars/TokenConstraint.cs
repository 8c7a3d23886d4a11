using System.Numerics;
using System.Text;
using SparseInfer.Text;

namespace SparseInfer.Sampling;

/// <summary>Which tokens may follow, by a grammar, in one generation. Nothing is allocated where the grammar was before.</summary>
internal sealed class TokenConstraint
{
    /// <summary>Most steps to find which tokens may follow: far more than a grammar takes that people write.</summary>
    private const long MaxCost = 200_000_000;

    private readonly GrammarAutomaton _automaton;
    private readonly Tokenizer _tokenizer;
    private readonly TokenTrie _trie;
    private readonly (int Token, byte[] Bytes)[] _spelled;
    private readonly int[] _ends;
    private readonly float[] _masked;
    private readonly GrammarState[] _path;
    private GrammarState _state;

    /// <summary>Begins a text.</summary>
    /// <param name="grammar">What it follows.</param>
    /// <param name="tokenizer">What tokens are.</param>
    /// <param name="spelled">Control tokens that show in the text, and how they are spelled there.</param>
    /// <param name="endsText">Whether tokens that end a text may.</param>
    public TokenConstraint(Grammar grammar, Tokenizer tokenizer, IReadOnlyDictionary<int, string> spelled, bool endsText)
    {
        _tokenizer = tokenizer;
        _trie = TokenTrie.Of(tokenizer);
        _automaton = grammar.AutomatonFor(tokenizer);
        _spelled = [.. spelled.Select(each => (each.Key, Encoding.UTF8.GetBytes(each.Value)))];
        _ends = endsText ? [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration)] : [];
        _masked = new float[tokenizer.VocabularySize];
        _path = new GrammarState[_trie.MaxDepth + 1];
        lock (_automaton.Gate)
        {
            _state = _automaton.Start;
        }
    }

    /// <summary>Whether nothing may follow: the text ends.</summary>
    public bool IsComplete => _state.IsLast && _state.MayEnd;

    /// <summary>Whether a token may follow.</summary>
    /// <exception cref="GrammarException">The text can be read in more ways than are followed.</exception>
    public bool Allows(int token) => _tokenizer.IsEndOfGeneration(token) ? _state.MayEnd && _ends.Length > 0 : !StateAfter(token).IsDead;

    /// <summary>Takes the next token, which it allows. One that ends the text changes nothing.</summary>
    public void Accept(int token)
    {
        if (!_tokenizer.IsEndOfGeneration(token))
        {
            _state = StateAfter(token);
        }
    }

    /// <summary>The logits of tokens that may follow; of others, negative infinity. Valid until the next call.</summary>
    /// <exception cref="GrammarException">There is none; or the text can be read in more ways than are followed.</exception>
    public ReadOnlySpan<float> Mask(ReadOnlySpan<float> logits)
    {
        ulong[] allowed;
        lock (_automaton.Gate)
        {
            if (_state.Allowed is null)
            {
                _automaton.Keep(_state, Walk());
            }

            allowed = _state.Allowed!;
        }

        bool isAny = false;
        for (int i = 0; i < allowed.Length; i++)
        {
            int first = i * 64;
            Span<float> masked = _masked.AsSpan(first, Math.Min(64, _masked.Length - first));
            if (allowed[i] == ulong.MaxValue)
            {
                logits.Slice(first, masked.Length).CopyTo(masked);
                isAny = true;
                continue;
            }

            masked.Fill(float.NegativeInfinity);
            isAny |= allowed[i] != 0;
            for (ulong bits = allowed[i]; bits != 0; bits &= bits - 1)
            {
                int token = BitOperations.TrailingZeroCount(bits);
                masked[token] = logits[first + token];
            }
        }

        foreach ((int token, _) in _spelled)
        {
            isAny |= Set(token, !StateAfter(token).IsDead, logits);
        }

        foreach (int token in _ends)
        {
            isAny |= Set(token, _state.MayEnd, logits);
        }

        if (!isAny)
        {
            throw new GrammarException(
                "The grammar allows no token of the vocabulary: none has the characters that it asks for next. Change the grammar, or use a model whose vocabulary has a token for each byte.");
        }

        return LogitScan.IndexOfAbove(_masked, 0, float.NegativeInfinity) < _masked.Length ? _masked : throw new GrammarException(
            "None of the tokens that the grammar allows has a logit: a vocabulary predictor has left all of them out. Use SparsityMode.Exact or Dense.");
    }

    private bool Set(int token, bool isAllowed, ReadOnlySpan<float> logits)
    {
        _masked[token] = isAllowed ? logits[token] : float.NegativeInfinity;
        return isAllowed;
    }

    private GrammarState StateAfter(int token)
    {
        ReadOnlySpan<byte> bytes = _tokenizer.GetBytes(token);
        foreach ((int each, byte[] spelling) in _spelled)
        {
            bytes = each == token ? spelling : bytes;
        }

        lock (_automaton.Gate)
        {
            // A token without text would leave the grammar where it is, for ever.
            return bytes.IsEmpty ? _automaton.Dead : _automaton.Next(_state, bytes);
        }
    }

    /// <summary>Tries all tokens, those that begin alike together.</summary>
    private ulong[] Walk()
    {
        ulong[] allowed = new ulong[(_trie.VocabularySize + 63) / 64];
        long cost = 0;
        _path[0] = _state;
        for (int node = 0; node < _trie.Count;)
        {
            (byte value, int depth, int end) = _trie[node];
            GrammarState next = _path[depth].IsLast ? _automaton.Dead : _automaton.Next(_path[depth], value);
            if (next.IsDead)
            {
                node = end;
                continue;
            }

            cost += next.Cost;
            if (cost > MaxCost)
            {
                throw new GrammarException($"Which tokens may follow takes more than {MaxCost} steps to find: the grammar is too ambiguous. Write it so that the next characters tell which alternative it is.");
            }

            _path[depth + 1] = next;
            foreach (int token in _trie.TokensAt(node))
            {
                allowed[token / 64] |= 1ul << (token % 64);
            }

            node++;
        }

        return allowed;
    }
}
