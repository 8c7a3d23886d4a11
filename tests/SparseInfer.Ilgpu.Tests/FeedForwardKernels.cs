using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.ActivationThreshold;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Program;
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
    private readonly DeviceBuffer<Words4> _signsAndSum;
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
        _signsAndSum = device.Allocate<Words4>(plan.SignWords + 1, "signs and sum");
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

    /// <summary>A layer's shape.</summary>
    public static KernelShape Planned(LayerCase layer)
    {
        string threshold = layer.Activation == Activation.FatRelu ? FormattableString.Invariant($"{LayerCase.Threshold}") : "0";
        return new(
            new FeedForwardSpec(layer.Hidden, layer.Intermediate, layer.Activation, threshold, layer.Gated, layer.Biases), layer.Weights);
    }

    /// <summary>The text for a plan of one's own.</summary>
    public static string Emit(LayerCase layer, IlgpuFeedForwardPlan plan)
    {
        PolicySpec policy = layer.HasZeros ? new SignBitSpec("1") : new ActivationThresholdSpec("0.1");
        KernelSet<IlgpuKernelEmitter> set = IlgpuKernelEmitter.Set;
        return new FeedForwardIlgpuClass(plan, new(plan.Shape, new([plan.Weights]), new([set.Of(policy)]), Batches: true, Alone: false)).Emit();
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
        _counts.CopyFrom(new int[_counts.Count]);
        Float4[] partial = Partial(kernel, weights, x, parameter, metered);
        int[] counts = new int[_counts.Count];
        _counts.CopyTo(counts);
        return (Join(partial, downBias), [.. Enumerable.Range(0, 4).Select(k => counts.Where((_, i) => i % 4 == k).Sum())]);
    }

    /// <summary>Launches a kernel.</summary>
    /// <returns>What its groups left, [slices x columns / 4].</returns>
    public Float4[] Partial(string kernel, object weights, float[] x, object? parameter, bool metered = false)
    {
        _x.CopyFrom(MemoryMarshal.Cast<float, Float4>(Padded([x])));
        _signs.CopyFrom(MemoryMarshal.Cast<uint, Words4>(SignsOf([x])));
        Float4[] partial = new Float4[_partial.Count];
        Array.Fill(partial, NotANumber); // every one must be written
        _partial.CopyFrom(partial);
        PackSignsAndSum(_x, _signsAndSum, tokens: 1);
        Launch(kernel, weights, parameter, metered);
        _partial.CopyTo(partial);
        return partial;
    }

    /// <summary>Launches a policy's kernel for several tokens, and down of them.</summary>
    /// <returns>What is left, [tokens x slices x columns / 4], and the activations, [tokens x padded neurons].</returns>
    public (Float4[] Partial, float[] Activated) Together(string policy, object weights, IReadOnlyList<float[]> inputs, object? parameter)
    {
        var plan = new TogetherPlan(Plan);
        int tokens = inputs.Count;
        using DeviceBuffer<Float4> x = _device.Allocate<Float4>(tokens * plan.HiddenQuads, "inputs");
        using DeviceBuffer<Words4> signs = _device.Allocate<Words4>(tokens * Plan.SignWords, "signs");
        using DeviceBuffer<Words4> signsAndSum = _device.Allocate<Words4>(tokens * (Plan.SignWords + 1), "signs and sums");
        using DeviceBuffer<float> activated = _device.Allocate<float>(tokens * Plan.Shape.PaddedIntermediate, "activations");
        using DeviceBuffer<Float4> partial = _device.Allocate<Float4>(tokens * Plan.Slices * plan.HiddenQuads, "partial sums");
        x.CopyFrom(MemoryMarshal.Cast<float, Float4>(Padded(inputs)));
        signs.CopyFrom(MemoryMarshal.Cast<uint, Words4>(SignsOf(inputs)));
        PackSignsAndSum(x, signsAndSum, tokens);
        float[] values = new float[activated.Count];
        Array.Fill(values, float.NaN);
        activated.CopyFrom(values);
        Float4[] sums = new Float4[partial.Count];
        Array.Fill(sums, NotANumber);
        partial.CopyFrom(sums);

        var arguments = new Dictionary<string, object>
        {
            ["w"] = weights,
            ["x"] = x.View,
            ["signs"] = signs.View,
            ["signsAndSum"] = signsAndSum.View,
            ["tokens"] = tokens,
            ["activated"] = activated.View,
            ["partial"] = partial.View,
            ["threshold"] = parameter!,
        };
        Launch(policy + "Together", new KernelConfig(plan.Groups, TogetherPlan.Threads), arguments);
        Launch("DownTogether", new KernelConfig(new Index3D(Plan.Slices, plan.DownTiles, 1), new Index3D(plan.DownThreads, 1, 1)), arguments);
        activated.CopyTo(values);
        partial.CopyTo(sums);
        return (sums, values);
    }

    /// <summary>Launches a kernel on what is there.</summary>
    public void Launch(string kernel, object weights, object? parameter, bool metered = false)
    {
        Launch(kernel, new KernelConfig(Plan.Slices, Plan.Threads), new Dictionary<string, object>
        {
            ["w"] = weights,
            ["x"] = _x.View,
            ["signs"] = _signs.View,
            ["signsAndSum"] = _signsAndSum.View,
            ["partial"] = _partial.View,
            ["counts"] = metered ? _counts.View : default,
            ["threshold"] = parameter!,
        }, metered ? "Metered" : "");
    }

    /// <summary>The sum of absolute values that was packed with the last input.</summary>
    public float InputSum()
    {
        var words = new Words4[_signsAndSum.Count];
        _signsAndSum.CopyTo(words);
        return BitConverter.UInt32BitsToSingle(words[^1].X);
    }

    /// <summary>Launches what packs inputs, where there is such a kernel.</summary>
    private void PackSignsAndSum(DeviceBuffer<Float4> x, DeviceBuffer<Words4> signsAndSum, int tokens)
    {
        const string Name = "PackSignsAndSum";
        if (_generated.GetMethod(Name, BindingFlags.Static | BindingFlags.NonPublic) is not null)
        {
            Launch(Name, new KernelConfig(tokens, 32), new() { ["x"] = x.View, ["signsAndSum"] = signsAndSum.View });
        }
    }

    /// <summary>Launches a kernel with what its parameters are called.</summary>
    private void Launch(string kernel, KernelConfig config, Dictionary<string, object> arguments, string variant = "")
    {
        Type kernels = _kernels.GetType();
        string name = kernel + variant;
        var launch = (Delegate)(kernels.GetProperty(name)?.GetValue(_kernels) ?? kernels.GetField(name).ShouldNotBeNull(name).GetValue(_kernels))!;
        MethodInfo method = _generated.GetMethod(kernel, BindingFlags.Static | BindingFlags.NonPublic)!;
        object[] all = [config, .. method.GetParameters().Select(declared => arguments[declared.Name!])];
        launch.GetType().GetMethod("Invoke")!.Invoke(launch, BindingFlags.DoNotWrapExceptions, null, all, null);
        _device.Synchronize();
    }

    public void Dispose()
    {
        _x.Dispose();
        _signs.Dispose();
        _signsAndSum.Dispose();
        _partial.Dispose();
        _counts.Dispose();
    }

    private static Float4 NotANumber => new(float.NaN, float.NaN, float.NaN, float.NaN);

    /// <summary>[tokens x columns], zeros behind each input.</summary>
    private float[] Padded(IReadOnlyList<float[]> inputs)
    {
        float[] padded = new float[inputs.Count * Plan.Row.Columns];
        for (int token = 0; token < inputs.Count; token++)
        {
            inputs[token].CopyTo(padded, token * Plan.Row.Columns);
        }

        return padded;
    }

    /// <summary>[tokens x words of 32 signs].</summary>
    private uint[] SignsOf(IReadOnlyList<float[]> inputs)
    {
        int words = Plan.SignWords * 4;
        uint[] signs = new uint[inputs.Count * words];
        for (int token = 0; token < inputs.Count; token++)
        {
            for (int j = 0; j < inputs[token].Length; j++)
            {
                signs[(token * words) + (j / 32)] |= float.IsNegative(inputs[token][j]) ? 1u << (j % 32) : 0;
            }
        }

        return signs;
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
