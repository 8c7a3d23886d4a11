using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Ilgpu.Tests;

public sealed class TempDump
{
    [Fact]
    public void Dump()
    {
        var c = GeneratedProject.Complete(GeneratedProject.Compilation("""
            using SparseInfer;

            internal static partial class Layers
            {
                [FeedForward(Hidden = 96, Intermediate = 70, Activation = Activation.Relu, Gated = true, Biases = false)]
                [SignMagnitudePredictor(Beta = 1.01f)]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel A { get; }
                [FeedForward(Hidden = 4096, Intermediate = 11008, Activation = Activation.Relu, Gated = true, Biases = false)]
                [SignMagnitudePredictor(Beta = 1.01f)]
                [Weights(WeightType.F16)]
                public static partial FeedForwardKernel B { get; }
            }
            """).WithIlgpu());
        foreach (var t in c.SyntaxTrees.Where(t => t.FilePath.EndsWith(".g.cs", StringComparison.Ordinal)))
        {
            File.WriteAllText("/tmp/grasp_" + Path.GetFileName(t.FilePath), t.ToString());
        }
    }
}
