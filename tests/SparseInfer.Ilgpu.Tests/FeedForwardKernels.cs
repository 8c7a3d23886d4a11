using System.Reflection;
using ILGPU;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Emit.Ilgpu;
using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The generated kernels of one feed-forward, launched one at a time.</summary>
internal sealed class FeedForwardKernels : IDisposable
{
    private readonly IlgpuDevice _device;
    private readonly Type _generated;
    private readonly object _kernels;
    private readonly DeviceBuffer<Float4> _x;
    private readonly DeviceBuffer<Words4> _signs;
    private readonly DeviceBuffer<Float4> _partial;
    private readonly DeviceBuffer<int> _counts;

    public FeedForwardKernels(IlgpuDevice device, Assembly assembly, IlgpuFeedForwardPlan plan)
    {
        _device = device;
        Plan = plan;
        _generated = assembly.GetType("SparseInfer.Generated." + plan.ClassName, throwOnError: true)!;
        _kernels = Activator.CreateInstance(_generated.GetNestedType("Kernels", BindingFlags.NonPublic)!, device)!;
        _x = device.Allocate<Float4>(plan.Row.Columns / 4, "input");
        _signs = device.Allocate<Words4>(plan.SignWords, "signs");
        _partial = device.Allocate<Float4>(plan.Slices * plan.Row.Columns / 4, "partial sums");
        _counts = device.Allocate<int>(plan.Slices * plan.Warps * 4, "counts");
    }

    public IlgpuFeedForwardPlan Plan { get; }

    /// <summary>The structure that kernels take weights in.</summary>
    public Type Weights => _generated.GetNestedType("Weights", BindingFlags.NonPublic)!;

    /// <summary>What is generated for a layer's shape and every policy that its activation takes.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="target">The device that is planned for; the default where there is none.</param>
    public static (IlgpuFeedForwardPlan Plan, string Text) Emit(LayerCase layer, DeviceTarget? target = null)
    {
        IlgpuFeedForwardPlan plan = SlicePlanner.Choose(Planned(layer), target ?? DeviceTable.Default);
        return (plan, Emit(layer, plan));
    }

    /// <summary>A layer's shape, planned but for its slices.</summary>
    public static FeedForwardPlan Planned(LayerCase layer)
    {
        string threshold = layer.Activation == Activation.FatRelu ? FormattableString.Invariant($"{LayerCase.Threshold}") : "0";
        return Planner.FeedForward(
            new FeedForwardSpec(layer.Hidden, layer.Intermediate, layer.Activation, threshold, layer.Gated, layer.Biases), layer.Weights);
    }

    /// <summary>The text for a plan of one's own.</summary>
    public static string Emit(LayerCase layer, IlgpuFeedForwardPlan plan)
    {
        string[] names = layer.HasZeros ? ["SignBitPolicy", "ExactPolicy", "DensePolicy"] : ["ActivationThresholdPolicy", "DensePolicy"];
        IEnumerable<SparsityPolicy> policies = PolicyRegistry.All.Where(policy => names.Contains(policy.GetType().Name));
        return new FeedForwardIlgpuClass(plan, FeedForwardIlgpuClass.Kernels(plan, policies), batches: false, alone: false).Emit();
    }

    public static Assembly Compile(IEnumerable<string> texts)
    {
        CSharpCompilation project = GeneratedProject.Compilation([.. texts]).WithIlgpu().AddSyntaxTrees(GeneratedProject.Tree(
            "[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(ILGPU.Context.RuntimeAssemblyName)]", "Assembly.cs"));
        using var image = new MemoryStream();
        project.Emit(image).Diagnostics.Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).ShouldBeEmpty();
        return Assembly.Load(image.ToArray());
    }

    /// <summary>Launches a kernel and adds up what its groups left, in ascending order, as the next launch of a program does.</summary>
    /// <returns>[hidden], and what was counted: inactive, predicted, both, and rows read after the first of each neuron.</returns>
    public (float[] Y, int[] Counts) Run(string kernel, object weights, float[] x, float[]? downBias, object? parameter, bool metered)
    {
        float[] padded = new float[Plan.Row.Columns];
        x.CopyTo(padded, 0);
        _x.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.Cast<float, Float4>(padded));
        uint[] signs = new uint[Plan.SignWords * 4];
        for (int j = 0; j < x.Length; j++)
        {
            signs[j / 32] |= float.IsNegative(x[j]) ? 1u << (j % 32) : 0;
        }

        _signs.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.Cast<uint, Words4>(signs));
        Float4[] partial = new Float4[_partial.Count];
        Array.Fill(partial, new Float4(float.NaN, float.NaN, float.NaN, float.NaN)); // every one must be written
        _partial.CopyFrom(partial);
        _counts.CopyFrom(new int[_counts.Count]);

        Launch(kernel, weights, parameter, metered);
        _partial.CopyTo(partial);
        int[] counts = new int[_counts.Count];
        _counts.CopyTo(counts);
        return (Join(partial, downBias), [.. Enumerable.Range(0, 4).Select(k => counts.Where((_, i) => i % 4 == k).Sum())]);
    }

    /// <summary>Launches a kernel on what is there.</summary>
    public void Launch(string kernel, object weights, object? parameter, bool metered = false)
    {
        Type kernels = _kernels.GetType();
        var launch = (Delegate)(metered
            ? kernels.GetProperty(kernel + "Metered").ShouldNotBeNull(kernel).GetValue(_kernels)
            : kernels.GetField(kernel).ShouldNotBeNull(kernel).GetValue(_kernels))!;
        MethodInfo method = _generated.GetMethod(kernel, BindingFlags.Static | BindingFlags.NonPublic)!;
        object[] arguments =
        [
            new KernelConfig(Plan.Slices, Plan.Threads),
            .. method.GetParameters().Select(declared => declared.Name switch
            {
                "w" => weights,
                "x" => _x.View,
                "signs" => _signs.View,
                "partial" => _partial.View,
                "counts" => metered ? _counts.View : default,
                _ => parameter!,
            }),
        ];
        launch.GetType().GetMethod("Invoke")!.Invoke(launch, BindingFlags.DoNotWrapExceptions, null, arguments, null);
        _device.Synchronize();
    }

    public void Dispose()
    {
        _x.Dispose();
        _signs.Dispose();
        _partial.Dispose();
        _counts.Dispose();
    }

    private float[] Join(Float4[] partial, float[]? downBias)
    {
        int quads = Plan.Row.Columns / 4;
        float[] y = new float[Plan.Hidden];
        for (int j = 0; j < y.Length; j++)
        {
            int quad = j / 4;
            int place = (quad % Plan.Row.Quads * Plan.Row.Words) + (quad / Plan.Row.Quads);
            float sum = Column(partial[place], j % 4);
            for (int slice = 1; slice < Plan.Slices; slice++)
            {
                sum += Column(partial[(slice * quads) + place], j % 4);
            }

            y[j] = sum + (downBias?[j] ?? 0);
        }

        return y;
    }

    private static float Column(Float4 quad, int column) => column switch { 0 => quad.X, 1 => quad.Y, 2 => quad.Z, _ => quad.W };
}
