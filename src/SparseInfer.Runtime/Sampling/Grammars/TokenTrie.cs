using System.Runtime.CompilerServices;
using SparseInfer.Text;

namespace SparseInfer.Sampling;

/// <summary>
/// The bytes of a vocabulary's tokens as a tree, laid out in the order in which it is walked: tokens that begin alike are tried together. Tokens without text, and those that end
/// a text, are not in it.
/// </summary>
internal sealed class TokenTrie
{
    private static readonly ConditionalWeakTable<Tokenizer, TokenTrie> Known = [];

    /// <summary>Each node's byte, how many bytes come before it, and the first node that is not below it.</summary>
    private readonly (byte Value, int Depth, int End)[] _nodes;

    /// <summary>Tokens that end at a node: those from its number on, up to its follower's.</summary>
    private readonly int[] _firstToken;
    private readonly int[] _tokens;

    private TokenTrie(Tokenizer tokenizer)
    {
        List<int> tokens = [];
        for (int token = 0; token < tokenizer.VocabularySize; token++)
        {
            if (!tokenizer.GetBytes(token).IsEmpty && !tokenizer.IsEndOfGeneration(token))
            {
                tokens.Add(token);
            }
        }

        tokens.Sort((a, b) => tokenizer.GetBytes(a).SequenceCompareTo(tokenizer.GetBytes(b)) is var order && order != 0 ? order : a.CompareTo(b));
        _tokens = [.. tokens];
        VocabularySize = tokenizer.VocabularySize;
        List<(byte Value, int Depth, int End)> nodes = [];
        List<int> firstToken = [];
        List<int> open = [];
        ReadOnlySpan<byte> last = [];
        for (int i = 0; i < _tokens.Length; i++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.GetBytes(_tokens[i]);
            int common = last.CommonPrefixLength(bytes);
            Close(common);
            for (int depth = common; depth < bytes.Length; depth++)
            {
                open.Add(nodes.Count);
                nodes.Add((bytes[depth], depth, 0));
                firstToken.Add(i);
            }

            MaxDepth = Math.Max(MaxDepth, bytes.Length);
            last = bytes;
        }

        Close(0);
        firstToken.Add(_tokens.Length);
        _nodes = [.. nodes];
        _firstToken = [.. firstToken];

        void Close(int depth)
        {
            for (int i = open.Count - 1; i >= depth; i--)
            {
                nodes[open[i]] = nodes[open[i]] with { End = nodes.Count };
            }

            open.RemoveRange(depth, open.Count - depth);
        }
    }

    /// <summary>How many tokens the vocabulary has.</summary>
    public int VocabularySize { get; }

    /// <summary>How many nodes.</summary>
    public int Count => _nodes.Length;

    /// <summary>Bytes of the longest token.</summary>
    public int MaxDepth { get; }

    /// <summary>A tokenizer's, made once.</summary>
    public static TokenTrie Of(Tokenizer tokenizer) => Known.GetValue(tokenizer, static each => new TokenTrie(each));

    /// <summary>A node.</summary>
    public (byte Value, int Depth, int End) this[int node] => _nodes[node];

    /// <summary>The tokens that are the bytes down to a node.</summary>
    /// <remarks>A token goes with the node where its bytes end: it comes first among those that go on from there, since a shorter text is sorted before.</remarks>
    public ReadOnlySpan<int> TokensAt(int node) => _tokens.AsSpan(_firstToken[node], _firstToken[node + 1] - _firstToken[node]);
}
