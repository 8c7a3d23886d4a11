using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace SparseInfer.Serving;

/// <summary>
/// Ids of calls: nine letters and digits, as Mistral's templates insist on. They follow from the prompt and the call, so that one request gives one answer, and
/// differ from turn to turn.
/// </summary>
internal static class CallIds
{
    private const string Characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int Length = 9;

    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="index">Which call of the answer it is, from 0.</param>
    /// <param name="call">The call.</param>
    public static string Of(ReadOnlySpan<int> prompt, int index, ChatToolCall call)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(prompt));
        hash.AppendData(Encoding.UTF8.GetBytes($"{index} {call.Name} {call.Arguments}"));
        byte[] bytes = hash.GetHashAndReset();
        return string.Create(Length, bytes, (text, from) =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = Characters[from[i] % Characters.Length];
            }
        });
    }
}
