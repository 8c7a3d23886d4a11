using Rwkv;
using SparseInfer.Files;

if (args.Length < 2 || args.Skip(1).Any(number => number.Length == 0 || !number.All(char.IsAsciiDigit)))
{
    Console.Error.WriteLine("Usage: dotnet run -c Release --project samples/Rwkv -- MODEL.safetensors DIGITS ...");
    return 1;
}

try
{
    using ModelFile file = ModelFile.Open(args[0]);
    using var network = new Network(file);
    network.Meter();
    foreach (string number in args.Skip(1))
    {
        string reversed = Reversal.Of(network, number);
        Console.WriteLine($"{number} -> {reversed}{(reversed.SequenceEqual(number.Reverse()) ? "" : "  (wrong)")}");
    }

    foreach ((int layer, SparseInfer.LayerMetrics metrics) in network.Metrics.Index())
    {
        Console.WriteLine(FormattableString.Invariant($"layer {layer + 1}: {100 * metrics.ActualSparsity:0}% of the channel mix's neurons were zero, and skipped"));
    }

    return 0;
}
catch (Exception wrong) when (wrong is ModelFormatException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(wrong.Message);
    return 1;
}
