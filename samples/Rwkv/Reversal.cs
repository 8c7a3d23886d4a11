namespace Rwkv;

/// <summary>What the network was trained for: after <c>123,</c> it says <c>321#</c>.</summary>
internal static class Reversal
{
    private const string Tokens = "0123456789,#";

    /// <summary>A number's digits in reverse, as the network says them.</summary>
    public static string Of(Network network, string digits)
    {
        network.Reset();
        float[] logits = [];
        foreach (char digit in digits + ",")
        {
            logits = network.Next(Tokens.IndexOf(digit, StringComparison.Ordinal));
        }

        string reversed = "";
        while (Tokens[logits.IndexOf(logits.Max())] is var said and not '#' && reversed.Length <= digits.Length)
        {
            reversed += said;
            logits = network.Next(Tokens.IndexOf(said, StringComparison.Ordinal));
        }

        return reversed;
    }
}
