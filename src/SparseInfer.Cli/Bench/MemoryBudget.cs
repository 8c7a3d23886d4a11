using System.Globalization;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Runtime;

namespace SparseInfer.Cli.Bench;

/// <summary>What a benchmark of synthetic weights takes, reckoned before anything is allocated.</summary>
internal static class MemoryBudget
{
    /// <summary>The runtime, the compiler and what else there is.</summary>
    private const long Overhead = 512L << 20;

    /// <summary>Requires that everything fits.</summary>
    /// <param name="model">The shape.</param>
    /// <param name="cacheType">What the key-value cache stores.</param>
    /// <param name="sequence">Tokens that it must hold.</param>
    /// <param name="loads">How many times the model is loaded: what is prepared at load is there as often.</param>
    /// <param name="available">Bytes there are.</param>
    /// <param name="probe">Bytes that the bandwidth probe takes.</param>
    /// <param name="sessions">Sessions at once: each remembers its prompts, where a policy chooses by them.</param>
    /// <exception cref="CliException">It does not fit; the message tells what would.</exception>
    public static void Require(ModelDeclaration model, KeyValueType cacheType, int sequence, int loads, long available, long probe = 0, int sessions = 1)
    {
        long weights = SyntheticModel.ByteCount(model);
        long needed = Needed(model, cacheType, sequence, loads, sessions) + probe;
        if (needed <= available)
        {
            return;
        }

        int layers = model.Layers;
        while (layers > 0 && Needed(model with { Layers = layers }, cacheType, sequence, loads, sessions) + probe > available)
        {
            layers--;
        }

        string type = model.Weights[0].ToString().ToLowerInvariant();
        string remedy = layers > 0 ? $"--layers {layers} would fit, or a smaller type than --weights {type}"
            : "not even one layer fits; try a smaller type of --weights";
        throw new CliException(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.Name} with {model.Layers} layers needs {needed:N0} bytes of memory (weights {weights:N0}")
            + (probe == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", bandwidth probe {probe:N0}")) + "); "
            + string.Create(CultureInfo.InvariantCulture, $"{available:N0} are available: {remedy}."));
    }

    private static long Needed(ModelDeclaration model, KeyValueType cacheType, int sequence, int loads, int sessions)
    {
        long tested = model.Activation == Activation.DRelu ? 2 : 1;
        long signs = model.Layers * tested * Math.Max(1, model.Experts) * model.Intermediate * model.Hidden / 8;
        long cache = model.Layers * 2L * model.KeyValueHeads * CpuKeyValueCache.RowBytes(cacheType, model.HeadSize) * sequence;

        // A double and a bit for each neuron.
        bool remembers = model.PolicyAttributes.Any(policy => policy.StartsWith("PromptNeurons", StringComparison.Ordinal));
        long remembered = remembers ? sessions * (long)model.Layers * model.Intermediate * 65 / 8 : 0;
        return SyntheticModel.ByteCount(model) + (loads * signs) + cache + remembered + Overhead;
    }
}
