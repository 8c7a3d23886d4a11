using System.Security.Cryptography;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>Names of answers, as OpenAI's service makes them.</summary>
internal static class Identifiers
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static string OfChat() => "chatcmpl-" + RandomNumberGenerator.GetString(Letters, 29);

    public static string OfCompletion() => "cmpl-" + RandomNumberGenerator.GetString(Letters, 29);

    public static string OfCall() => "call_" + RandomNumberGenerator.GetString(Letters, 24);

    public static long Now() => DateTimeOffset.UtcNow.ToUnixTimeSeconds();
}
