using Rwkv;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests.Reversing;

/// <summary>The sample's network on random weights: the trained ones are not part of this repository.</summary>
public sealed class RwkvTests
{
    private static readonly int[] Tokens = [3, 1, 4, 1, 5, 9, 2, 6, 10, 6, 2, 9, 5, 1, 4, 1, 3, 11];

    [Fact]
    public void Logits_are_those_of_double_precision()
    {
        Dictionary<string, float[]> weights = Weights();
        var reference = new RwkvReference(weights);
        using ModelFile file = File(weights);
        using var network = new Network(file);
        foreach (int token in Tokens)
        {
            float[] logits = network.Next(token);
            double[] expected = reference.Next(token);
            expected.Select((value, i) => Math.Abs(logits[i] - value)).Max().ShouldBeLessThan(1e-4 * expected.Max(Math.Abs));
        }
    }

    [Fact]
    public void Exact_has_the_bits_of_dense_and_skips_half()
    {
        using ModelFile file = File(Weights());
        using var exact = new Network(file);
        using var dense = new Network(file) { Mode = SparsityMode.Dense };
        exact.Mode = SparsityMode.Exact;
        exact.Meter();
        foreach (int token in Tokens)
        {
            exact.Next(token).ShouldBe(dense.Next(token));
        }

        exact.Metrics.ShouldAllBe(layer => layer.Tokens == Tokens.Length && layer.ActualSparsity > 0.3 && layer.ActualSparsity < 0.7);
    }

    [Fact]
    public void A_network_that_was_reset_has_read_nothing()
    {
        using ModelFile file = File(Weights());
        using var network = new Network(file);
        float[] first = network.Next(7);
        network.Next(8).ShouldNotBe(first);
        network.Reset();
        network.Next(7).ShouldBe(first);
        Reversal.Of(network, "12").Length.ShouldBeLessThanOrEqualTo(3);
    }

    [Fact]
    public void Another_file_is_refused_by_the_tensor_that_it_does_not_have()
    {
        Dictionary<string, float[]> weights = Weights();
        weights.Remove("ffn2.key.weight");
        using ModelFile file = File(weights);
        Should.Throw<ModelFormatException>(() => new Network(file)).Message.ShouldContain("tensor ffn2.key.weight is missing");
    }

    private static ModelFile File(Dictionary<string, float[]> weights) => ModelFile.FromMemory("random", null, [.. weights.Select(pair =>
    {
        NativeBuffer bytes = NativeBuffer.Allocate(pair.Value.Length * (long)sizeof(float));
        pair.Value.CopyTo(bytes.AsSpan<float>());
        return new TensorInMemory(pair.Key, TensorType.Of(WeightType.F32), [pair.Value.Length], bytes);
    })]);

    private static Dictionary<string, float[]> Weights()
    {
        const int C = Network.Width;
        var random = new Random(7);
        var weights = new Dictionary<string, float[]>();
        void Add(string name, int count, float spread, float around = 0) =>
            weights[name] = [.. Enumerable.Range(0, count).Select(_ => around + (((random.NextSingle() * 2) - 1) * spread))];
        void Norm(string name)
        {
            Add(name + ".weight", C, 0.3f, 1);
            Add(name + ".bias", C, 0.2f);
        }

        Add("e.weight", 12 * C, 1);
        Norm("lno");
        Add("o.weight", 12 * C, 0.3f);
        Add("o.bias", 12, 0.2f);
        foreach (int layer in new[] { 1, 2 })
        {
            Norm($"ln{layer}a");
            Norm($"ln{layer}b");
            Add($"rosa{layer}.o.bias", C, 0.3f);
            Add($"ffn{layer}.x_k", C, 0.5f);
            Add($"ffn{layer}.key.weight", 4 * C * C, 0.3f);
            Add($"ffn{layer}.value.weight", 4 * C * C, 0.1f);
            string mix = $"rwkv{layer}.";
            foreach (string name in new[] { "x_r", "x_w", "x_k", "x_v", "x_a", "x_g", "w0", "a0", "v0", "k_k", "k_a", "r_k" })
            {
                Add(mix + name, C, 0.5f, name is "k_k" or "k_a" ? 1 : 0);
            }

            foreach (string name in new[] { "w", "a", "v", "g" })
            {
                Add(mix + name + "1", 8 * C, 0.3f);
                Add(mix + name + "2", 8 * C, 0.5f);
            }

            foreach (string name in new[] { "receptance", "key", "value", "output" })
            {
                Add($"{mix}{name}.weight", C * C, 0.3f);
            }

            Norm(mix + "ln_x");
        }

        return weights;
    }
}
