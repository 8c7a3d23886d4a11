using System.Buffers.Binary;

namespace Stories;

/// <summary>Text that the model was not trained on, as token ids, in windows that are evaluated one by one.</summary>
internal sealed class HeldOutText
{
    /// <summary>Tokens predicted in a window, which starts with the begin-of-sequence token and sees nothing of the one before.</summary>
    public const int Window = 256;

    /// <summary>As many as keep the whole program under a quarter of a minute on a small machine.</summary>
    public const int DefaultTokens = 2048;

    /// <summary>The part of the file that the model's published perplexity is of; <c>--evaluate all</c> gives that figure.</summary>
    public const int MaxTokens = 88 * Window;

    private readonly int[][] _windows;

    private HeldOutText(int[][] windows) => _windows = windows;

    /// <summary>Number of windows.</summary>
    public int Windows => _windows.Length;

    /// <summary>Number of tokens in all windows.</summary>
    public int Tokens => Windows * Window;

    /// <summary>Reads windows from a file of little-endian 16-bit ids, spread evenly over it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tokens">How many tokens, rounded down to whole windows; no more than there are.</param>
    public static HeldOutText Read(string path, int tokens)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int available = Math.Min(bytes.Length / sizeof(ushort), MaxTokens) / Window;
        int count = Math.Min(tokens / Window, available);
        return new HeldOutText([.. Enumerable.Range(0, count).Select(i => ReadWindow(bytes, (int)((long)i * available / count)))]);
    }

    /// <summary>The tokens to predict in one window.</summary>
    public ReadOnlySpan<int> Targets(int window) => _windows[window];

    private static int[] ReadWindow(byte[] bytes, int window)
    {
        var tokens = new int[Window];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(((window * Window) + i) * sizeof(ushort)));
        }

        return tokens;
    }
}
