using SparseInfer.Kernels.Cpu;
using LargeF16 = SparseInfer.Generated.FeedForward_4096x11008_Relu_F16;
using LargeQ4 = SparseInfer.Generated.FeedForward_4096x11008_Relu_Q4_0;
using LargeQ8 = SparseInfer.Generated.FeedForward_4096x11008_Relu_Q8_0;
using SmallF16 = SparseInfer.Generated.FeedForward_2048x5632_Relu_F16;
using SmallQ4 = SparseInfer.Generated.FeedForward_2048x5632_Relu_Q4_0;
using SmallQ8 = SparseInfer.Generated.FeedForward_2048x5632_Relu_Q8_0;
using Wide256F16 = SparseInfer.Generated.FeedForward_256x1024_Relu_F16;
using Wide256Q4 = SparseInfer.Generated.FeedForward_256x1024_Relu_Q4_0;
using Wide256Q8 = SparseInfer.Generated.FeedForward_256x1024_Relu_Q8_0;
using Wide288F16 = SparseInfer.Generated.FeedForward_288x768_Relu_F16;
using Wide288Q4 = SparseInfer.Generated.FeedForward_288x768_Relu_Q4_0;
using Wide288Q8 = SparseInfer.Generated.FeedForward_288x768_Relu_Q8_0;
using Wide64F16 = SparseInfer.Generated.FeedForward_64x192_Relu_F16;
using Wide64Q4 = SparseInfer.Generated.FeedForward_64x192_Relu_Q4_0;
using Wide64Q8 = SparseInfer.Generated.FeedForward_64x192_Relu_Q8_0;

namespace SparseInfer.Benchmarks;

/// <summary>The kernels that the generator wrote for <see cref="Layers"/>, called as the layers themselves call them.</summary>
internal static class GeneratedProgram
{
    public static LayerProgram New(LoadedLayer layer, WeightType type) => (layer.Shape.Hidden, type) switch
    {
        (64, WeightType.F16) => new Program<Wide64F16.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide64F16.Dense<MeterOff>, Wide64F16.Exact<MeterOff>, Wide64F16.SignBit<MeterOff>, Wide64F16.Down, Wide64F16.Sum),
        (64, WeightType.Q8_0) => new Program<Wide64Q8.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide64Q8.Dense<MeterOff>, Wide64Q8.Exact<MeterOff>, Wide64Q8.SignBit<MeterOff>, Wide64Q8.Down, Wide64Q8.Sum),
        (64, WeightType.Q4_0) => new Program<Wide64Q4.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide64Q4.Dense<MeterOff>, Wide64Q4.Exact<MeterOff>, Wide64Q4.SignBit<MeterOff>, Wide64Q4.Down, Wide64Q4.Sum),
        (256, WeightType.F16) => new Program<Wide256F16.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide256F16.Dense<MeterOff>, Wide256F16.Exact<MeterOff>, Wide256F16.SignBit<MeterOff>, Wide256F16.Down, Wide256F16.Sum),
        (256, WeightType.Q8_0) => new Program<Wide256Q8.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide256Q8.Dense<MeterOff>, Wide256Q8.Exact<MeterOff>, Wide256Q8.SignBit<MeterOff>, Wide256Q8.Down, Wide256Q8.Sum),
        (256, WeightType.Q4_0) => new Program<Wide256Q4.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide256Q4.Dense<MeterOff>, Wide256Q4.Exact<MeterOff>, Wide256Q4.SignBit<MeterOff>, Wide256Q4.Down, Wide256Q4.Sum),
        (288, WeightType.F16) => new Program<Wide288F16.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide288F16.Dense<MeterOff>, Wide288F16.Exact<MeterOff>, Wide288F16.SignBit<MeterOff>, Wide288F16.Down, Wide288F16.Sum),
        (288, WeightType.Q8_0) => new Program<Wide288Q8.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide288Q8.Dense<MeterOff>, Wide288Q8.Exact<MeterOff>, Wide288Q8.SignBit<MeterOff>, Wide288Q8.Down, Wide288Q8.Sum),
        (288, WeightType.Q4_0) => new Program<Wide288Q4.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            Wide288Q4.Dense<MeterOff>, Wide288Q4.Exact<MeterOff>, Wide288Q4.SignBit<MeterOff>, Wide288Q4.Down, Wide288Q4.Sum),
        (2048, WeightType.F16) => new Program<SmallF16.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            SmallF16.Dense<MeterOff>, SmallF16.Exact<MeterOff>, SmallF16.SignBit<MeterOff>, SmallF16.Down, SmallF16.Sum),
        (2048, WeightType.Q8_0) => new Program<SmallQ8.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            SmallQ8.Dense<MeterOff>, SmallQ8.Exact<MeterOff>, SmallQ8.SignBit<MeterOff>, SmallQ8.Down, SmallQ8.Sum),
        (2048, WeightType.Q4_0) => new Program<SmallQ4.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            SmallQ4.Dense<MeterOff>, SmallQ4.Exact<MeterOff>, SmallQ4.SignBit<MeterOff>, SmallQ4.Down, SmallQ4.Sum),
        (4096, WeightType.F16) => new Program<LargeF16.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            LargeF16.Dense<MeterOff>, LargeF16.Exact<MeterOff>, LargeF16.SignBit<MeterOff>, LargeF16.Down, LargeF16.Sum),
        (4096, WeightType.Q8_0) => new Program<LargeQ8.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            LargeQ8.Dense<MeterOff>, LargeQ8.Exact<MeterOff>, LargeQ8.SignBit<MeterOff>, LargeQ8.Down, LargeQ8.Sum),
        (4096, WeightType.Q4_0) => new Program<LargeQ4.Weights>(
            layer,
            new() { Gate = layer.Gate, Up = layer.Up, Down = layer.Down, GateSigns = layer.GateSigns },
            LargeQ4.Dense<MeterOff>, LargeQ4.Exact<MeterOff>, LargeQ4.SignBit<MeterOff>, LargeQ4.Down, LargeQ4.Sum),
        _ => throw new ArgumentOutOfRangeException(nameof(type), $"No layer of width {layer.Shape.Hidden} in {type} is declared."),
    };

    private delegate void Activation<TWeights>(TWeights w, ReadOnlySpan<FeedForwardSlot> slots, int from, int to, ref LayerTally tally);

    private delegate void Prediction<TWeights>(TWeights w, ReadOnlySpan<FeedForwardSlot> slots, int from, int to, ref LayerTally tally, int threshold);

    private delegate void Accumulation<TWeights>(TWeights w, FeedForwardScratch scratch, int worker, int tokens);

    private delegate void Summation<TWeights>(TWeights w, FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn, int token);

    private sealed class Program<TWeights>(
        LoadedLayer layer,
        TWeights weights,
        Activation<TWeights> dense,
        Activation<TWeights> exact,
        Prediction<TWeights> signBit,
        Accumulation<TWeights> down,
        Summation<TWeights> sum)
        : LayerProgram(layer)
    {
        private LayerTally _tally;

        protected override void Activate(SparsityMode mode, FeedForwardSlot slot)
        {
            ReadOnlySpan<FeedForwardSlot> slots = new(in slot);
            switch (mode)
            {
                case SparsityMode.Dense:
                    dense(weights, slots, 0, Layer.Shape.Intermediate, ref _tally);
                    break;
                case SparsityMode.Exact:
                    exact(weights, slots, 0, Layer.Shape.Intermediate, ref _tally);
                    break;
                default:
                    signBit(weights, slots, 0, Layer.Shape.Intermediate, ref _tally, Layer.SignThreshold);
                    break;
            }
        }

        protected override void Down(ref float y)
        {
            down(weights, Layer.Scratch, 0, 1);
            sum(weights, Layer.Scratch, ref y, 0, Layer.Shape.Hidden, 0);
        }
    }
}
