using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Text;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The generated matrix products of prompts, launched alone.</summary>
internal sealed class PromptProducts : IDisposable
{
    private readonly IlgpuDevice _device;
    private readonly GroupShape _shape;
    private readonly object _kernels;
    private readonly UploadedLayer _uploaded;
    private readonly LayerCase _layer;

    public PromptProducts(IlgpuDevice device, Assembly assembly, LayerCase layer, LayerData data, GroupShape shape)
    {
        _device = device;
        _layer = layer;
        _shape = shape;
        Type generated = assembly.GetType("SparseInfer.Generated." + ClassName(layer, shape), throwOnError: true)!;
        _kernels = Activator.CreateInstance(generated.GetNestedType("Kernels", BindingFlags.NonPublic)!, device)!;
        _uploaded = new UploadedLayer(device, layer, data);
    }

    /// <summary>The products of a layer's first matrix and of down, for groups of one shape.</summary>
    public static string Emit(LayerCase layer, GroupShape shape)
    {
        IlgpuFeedForwardPlan plan = PlanOf(layer);
        var code = new CodeWriter();
        DeviceKernel[] kernels;
        if (shape.Matrix is { } matrix)
        {
            var products = new MatrixKernels(code, matrix);
            kernels = [products.Split(), products.Product(plan.Row.Columns), products.Down(plan)];
        }
        else
        {
            var products = new ProductKernels(code, shape.Tile!);
            kernels = [products.Product(layer.Weights, plan.Row.Columns), products.Down(plan)];
        }

        code.Lines("""
            #pragma warning disable CS1591, CS1573
            using System;
            using ILGPU;
            using ILGPU.Runtime;
            using SparseInfer.Kernels.Ilgpu;
            using SparseInfer.Runtime;

            namespace SparseInfer.Generated;

            """);
        string name = ClassName(layer, shape);
        using (code.Block($"internal static class {name}"))
        {
            using (code.Block("internal sealed class Kernels(IlgpuDevice device)"))
            {
                foreach (DeviceKernel kernel in kernels)
                {
                    kernel.EmitField(code, name);
                }
            }

            foreach (DeviceKernel kernel in kernels)
            {
                kernel.EmitMethod(code);
            }
        }

        return code.ToString();
    }

    /// <summary>y = up x, written from a row on into a wider result; what lies around it must stay NaN.</summary>
    /// <param name="x">[tokens, hidden].</param>
    /// <returns>[tokens, intermediate].</returns>
    public float[] Product(float[] x, int tokens, int firstRow = 0, int rest = 0)
    {
        int rows = _layer.Intermediate;
        int stride = firstRow + rows + rest;
        using DeviceBuffer<Float4> input = Input(x, tokens, _layer.Hidden);
        using DeviceBuffer<float> output = Output(tokens * stride);
        int columns = RowPlan.Of(_layer.Weights, _layer.Hidden).Columns;
        if (_shape.Matrix is null)
        {
            Launch(
                $"Product{_layer.Weights}x{columns}",
                Groups(rows, tokens),
                [_uploaded.Field("Up"), .. Scales("UpScales"), input.View, tokens, rows, firstRow, output.View, stride]);
        }
        else
        {
            using DeviceBuffer<Words4> halves = _device.Allocate<Words4>(input.Count, "halves");
            using DeviceBuffer<float> scales = _device.Allocate<float>(tokens, "scales");
            Split(input, tokens, columns, halves, scales);
            Launch(
                $"MatrixF16x{columns}",
                Groups(rows, tokens),
                [_uploaded.Field("Up"), halves.View, scales.View, tokens, rows, firstRow, output.View, stride]);
        }

        float[] y = Read(output);
        var result = new List<float>();
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> all = y.AsSpan(token * stride, stride);
            all[..firstRow].ToArray().ShouldAllBe(value => float.IsNaN(value));
            all[(firstRow + rows)..].ToArray().ShouldAllBe(value => float.IsNaN(value));
            result.AddRange(all.Slice(firstRow, rows));
        }

        return [.. result];
    }

    /// <summary>y = h down; without a bias on tensor cores.</summary>
    /// <param name="h">[tokens, intermediate].</param>
    /// <param name="bias">[hidden]; null where the layer has none.</param>
    /// <returns>[tokens, hidden].</returns>
    public float[] Down(float[] h, int tokens, float[]? bias)
    {
        int columns = RowPlan.Of(_layer.Weights, _layer.Hidden).Columns;
        int padded = PlanOf(_layer).Shape.PaddedIntermediate;
        using DeviceBuffer<Float4> input = Input(h, tokens, _layer.Intermediate);
        using DeviceBuffer<float> output = Output(tokens * columns);
        if (_shape.Matrix is null)
        {
            using DeviceBuffer<Float4> biases = Input(bias ?? new float[_layer.Hidden], 1, _layer.Hidden);
            Launch(
                $"ProductDown{_layer.Weights}",
                Groups(_layer.Hidden, tokens),
                [
                    _uploaded.Field("Down"), .. Scales("DownScales"), input.View, tokens, .. bias is null ? [] : new object[] { biases.View },
                    output.View.Cast<Float4>(),
                ]);
        }
        else
        {
            using DeviceBuffer<Words4> halves = _device.Allocate<Words4>(input.Count, "halves");
            using DeviceBuffer<float> scales = _device.Allocate<float>(tokens, "scales");
            Split(input, tokens, padded, halves, scales);
            Launch("MatrixDownF16", Groups(_layer.Hidden, tokens), [_uploaded.Field("Down"), halves.View, scales.View, tokens, output.View]);
        }

        float[] y = Read(output);
        return [.. Enumerable.Range(0, tokens).SelectMany(token => y.Skip(token * columns).Take(_layer.Hidden))];
    }

    public void Dispose() => _uploaded.Dispose();

    private static IlgpuFeedForwardPlan PlanOf(LayerCase layer) => IlgpuFeedForwardPlan.Of(
        new FeedForwardSpec(layer.Hidden, layer.Intermediate, layer.Activation, "0", layer.Gated, layer.Biases), layer.Weights, DeviceTable.Default);

    private static string ClassName(LayerCase layer, GroupShape shape) =>
        $"Products_{layer.Weights}_{layer.Hidden}x{layer.Intermediate}_{(layer.Biases ? "Biases_" : "")}{shape.Name}";

    private object[] Scales(string name) => RowPlan.Of(_layer.Weights, _layer.Hidden).IsBlock ? [_uploaded.Field(name)] : [];

    private KernelConfig Groups(int rows, int tokens) => new(
        new Index3D((rows + _shape.Rows - 1) / _shape.Rows, (tokens + _shape.Tokens - 1) / _shape.Tokens, 1), new Index3D(_shape.Threads, 1, 1));

    private void Split(DeviceBuffer<Float4> input, int tokens, int columns, DeviceBuffer<Words4> halves, DeviceBuffer<float> scales) =>
        Launch("SplitInputs", new KernelConfig(tokens, MatrixKernels.SplitThreads), [input.View, columns / 8, halves.View, scales.View]);

    private DeviceBuffer<Float4> Input(float[] values, int rows, int width)
    {
        int padded = (width + 31) / 32 * 32;
        float[] all = new float[rows * padded];
        for (int i = 0; i < values.Length; i++)
        {
            all[(i / width * padded) + (i % width)] = values[i];
        }

        DeviceBuffer<Float4> input = _device.Allocate<Float4>(rows * padded / 4, "input");
        input.CopyFrom(MemoryMarshal.Cast<float, Float4>(all));
        return input;
    }

    private DeviceBuffer<float> Output(int count)
    {
        DeviceBuffer<float> output = _device.Allocate<float>(count, "output");
        float[] none = new float[count];
        Array.Fill(none, float.NaN);
        output.CopyFrom(none);
        return output;
    }

    private static float[] Read(DeviceBuffer<float> output)
    {
        float[] y = new float[(int)output.Count];
        output.CopyTo(y);
        return y;
    }

    private void Launch(string kernel, KernelConfig config, object[] arguments)
    {
        var launch = (Delegate)_kernels.GetType().GetField(kernel).ShouldNotBeNull(kernel).GetValue(_kernels)!;
        launch.GetType().GetMethod("Invoke")!.Invoke(launch, BindingFlags.DoNotWrapExceptions, null, [config, .. arguments], null);
        _device.Synchronize();
    }
}

/// <summary>What a group of a prompt's matrix product computes: with tensor cores, or without.</summary>
internal sealed record GroupShape(ProductTile? Tile, MatrixTile? Matrix)
{
    public static IReadOnlyList<GroupShape> Of(WeightType type) =>
    [
        .. ProductTile.All.Select(tile => new GroupShape(tile, null)),
        .. type == WeightType.F16 ? MatrixTile.All.Select(tile => new GroupShape(null, tile)) : [],
    ];

    public int Rows => Tile?.Rows ?? Matrix!.Rows;

    public int Tokens => Tile?.Tokens ?? Matrix!.Tokens;

    public int Threads => Tile?.Threads ?? Matrix!.Threads;

    public string Name => $"{(Tile is null ? "Matrix" : "Plain")}{Rows}x{Tokens}";
}
