#if STANDIN
using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using SparseInfer.Generators.Emit.Ilgpu;
using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Text;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The generated matrix products of prompts, launched alone.</summary>
internal sealed class PromptProducts : IDisposable
{
    private readonly IlgpuDevice _device;
    private readonly ProductTile _tile;
    private readonly object _kernels;
    private readonly Type _generated;
    private readonly UploadedLayer _uploaded;
    private readonly LayerCase _layer;

    public PromptProducts(IlgpuDevice device, Assembly assembly, LayerCase layer, LayerData data, ProductTile tile)
    {
        _device = device;
        _layer = layer;
        _tile = tile;
        _generated = assembly.GetType("SparseInfer.Generated." + ClassName(layer, tile), throwOnError: true)!;
        _kernels = Activator.CreateInstance(_generated.GetNestedType("Kernels", BindingFlags.NonPublic)!, device)!;
        _uploaded = new UploadedLayer(device, layer, data);
    }

    /// <summary>The products of a layer's first matrix and of down, for one tile.</summary>
    public static string Emit(LayerCase layer, ProductTile tile)
    {
        IlgpuFeedForwardPlan plan = PlanOf(layer);
        var code = new CodeWriter();
        var products = new Generators.Emit.Ilgpu.ProductKernels(code, tile);
        DeviceKernel[] kernels = [products.Product(layer.Weights, plan.Row.Columns), products.Down(plan)];
        code.Lines("""
            #pragma warning disable CS1591, CS1573
            using System;
            using ILGPU;
            using ILGPU.Runtime;
            using SparseInfer.Kernels.Ilgpu;
            using SparseInfer.Runtime;

            namespace SparseInfer.Generated;

            """);
        string name = ClassName(layer, tile);
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
        float[] y = Run(x, tokens, _layer.Hidden, tokens * stride, rows, (input, output) =>
        [
            _uploaded.Field("Up"), .. Scales("UpScales"), input.View, tokens, rows, firstRow, output.View.Cast<float>().SubView(0, tokens * stride), stride,
        ], $"Product{_layer.Weights}x{RowPlan.Of(_layer.Weights, _layer.Hidden).Columns}");
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

    /// <summary>y = h down.</summary>
    /// <param name="h">[tokens, intermediate].</param>
    /// <param name="bias">[hidden]; null where the layer has none.</param>
    /// <returns>[tokens, hidden].</returns>
    public float[] Down(float[] h, int tokens, float[]? bias)
    {
        int columns = RowPlan.Of(_layer.Weights, _layer.Hidden).Columns;
        using DeviceBuffer<Float4> biases = _device.Allocate<Float4>(columns / 4, "bias");
        biases.CopyFrom(Quads(bias ?? [], 1, _layer.Hidden, columns));
        float[] y = Run(h, tokens, _layer.Intermediate, tokens * columns, _layer.Hidden, (input, output) =>
        [
            _uploaded.Field("Down"), .. Scales("DownScales"), input.View, tokens, .. bias is null ? [] : new object[] { biases.View }, output.View,
        ], $"ProductDown{_layer.Weights}");
        return [.. Enumerable.Range(0, tokens).SelectMany(token => y.Skip(token * columns).Take(_layer.Hidden))];
    }

    public void Dispose() => _uploaded.Dispose();

    private static IlgpuFeedForwardPlan PlanOf(LayerCase layer) => IlgpuFeedForwardPlan.Of(
        new FeedForwardSpec(layer.Hidden, layer.Intermediate, layer.Activation, "0", layer.Gated, layer.Biases), layer.Weights, DeviceTable.Default);

    private static string ClassName(LayerCase layer, ProductTile tile) =>
        $"Products_{layer.Weights}_{layer.Hidden}x{layer.Intermediate}_{(layer.Biases ? "Biases_" : "")}{tile.Rows}x{tile.Tokens}";

    private static Float4[] Quads(float[] values, int rows, int width, int padded)
    {
        float[] all = new float[rows * padded];
        for (int i = 0; i < values.Length; i++)
        {
            all[(i / width * padded) + (i % width)] = values[i];
        }

        return MemoryMarshal.Cast<float, Float4>(all).ToArray();
    }

    private object[] Scales(string name) => RowPlan.Of(_layer.Weights, _layer.Hidden).IsBlock ? [_uploaded.Field(name)] : [];

    private float[] Run(
        float[] x, int tokens, int width, int results, int rows, Func<DeviceBuffer<Float4>, DeviceBuffer<Float4>, object[]> arguments, string kernel)
    {
        int padded = (width + 31) / 32 * 32;
        using DeviceBuffer<Float4> input = _device.Allocate<Float4>(tokens * padded / 4, "input");
        input.CopyFrom(Quads(x, tokens, width, padded));
        using DeviceBuffer<Float4> output = _device.Allocate<Float4>((results + 3) / 4, "output");
        Float4[] y = new Float4[(int)output.Count];
        Array.Fill(y, new Float4(float.NaN, float.NaN, float.NaN, float.NaN));
        output.CopyFrom(y);
        var config = new KernelConfig(
            new Index3D((rows + _tile.Rows - 1) / _tile.Rows, (tokens + _tile.Tokens - 1) / _tile.Tokens, 1), new Index3D(_tile.Threads, 1, 1));
        var launch = (Delegate)_kernels.GetType().GetField(kernel).ShouldNotBeNull(kernel).GetValue(_kernels)!;
        launch.GetType().GetMethod("Invoke")!.Invoke(launch, BindingFlags.DoNotWrapExceptions, null, [config, .. arguments(input, output)], null);
        _device.Synchronize();
        output.CopyTo(y);
        return MemoryMarshal.Cast<Float4, float>(y)[..results].ToArray();
    }
}
#endif
