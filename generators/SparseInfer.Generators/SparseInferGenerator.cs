using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Emit.Cpu;
using SparseInfer.Generators.Emit.Ilgpu;
using SparseInfer.Generators.Parse;
using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators;

/// <summary>
/// Parse, plan, emit: declarations become specs, specs become plans, plans become C#. A declaration that breaks a rule yields
/// no spec, so nothing half is emitted; the analyzers say what is wrong.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class SparseInferGenerator : IIncrementalGenerator
{
    private const string IlgpuDeviceType = "SparseInfer.IlgpuDevice";

    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Names of the pipeline's steps, by which tests look at what was computed again.</summary>
    internal static class Steps
    {
        public const string ParseModel = nameof(ParseModel);
        public const string ParseLayer = nameof(ParseLayer);
        public const string PlanModel = nameof(PlanModel);
        public const string PlanKernels = nameof(PlanKernels);
        public const string FindIlgpu = nameof(FindIlgpu);
        public const string PlanIlgpuModel = nameof(PlanIlgpuModel);
        public const string PlanIlgpuKernels = nameof(PlanIlgpuKernels);
    }

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<ModelSpec> models = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                AttributeNames.DecoderModel, static (node, _) => node is ClassDeclarationSyntax, ModelParser.Parse)
            .Where(static spec => spec is not null)
            .Select(static (spec, _) => spec!)
            .WithTrackingName(Steps.ParseModel);

        IncrementalValuesProvider<LayerSpec> layers = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                AttributeNames.FeedForward, static (node, _) => node is PropertyDeclarationSyntax, LayerParser.Parse)
            .Where(static spec => spec is not null)
            .Select(static (spec, _) => spec!)
            .WithTrackingName(Steps.ParseLayer);

        // A user without the ILGPU runtime gets no code for it.
        IncrementalValueProvider<bool> ilgpu = context.CompilationProvider
            .Select(static (compilation, _) => compilation.GetTypeByMetadataName(IlgpuDeviceType) is not null)
            .WithTrackingName(Steps.FindIlgpu);

        context.RegisterSourceOutput(
            models.Combine(ilgpu),
            static (output, pair) => Add(output, pair.Left.Target.FullName, ModelClass.Emit(pair.Left, pair.Right)));

        context.RegisterSourceOutput(
            models.Select(static (spec, _) => Planner.Decoder(spec)).WithTrackingName(Steps.PlanModel),
            static (output, plan) => Add(output, plan.Spec.Target.FullName + ".Cpu", new DecoderClass(plan).Emit()));

        context.RegisterSourceOutput(
            layers.Combine(ilgpu),
            static (output, pair) => Add(output, pair.Left.Target.FullName, LayerProperty.Emit(pair.Left, pair.Right)));
        context.RegisterSourceOutput(
            layers, static (output, spec) => Add(output, spec.Target.FullName + ".Cpu", new LayerClass(spec).Emit()));

        // Models and layers that share a shape share its kernels.
        IncrementalValuesProvider<KernelRequest> kernels = models
            .Select(static (spec, _) => KernelRequest.Of(spec))
            .Collect()
            .Combine(layers.Select(static (spec, _) => KernelRequest.Of(spec)).Collect())
            .SelectMany(static (requests, _) => KernelRequest.Merge(requests.Left.Concat(requests.Right).SelectMany(list => list)))
            .WithTrackingName(Steps.PlanKernels);
        context.RegisterSourceOutput(kernels, static (output, request) =>
        {
            FeedForwardPlan plan = request.Plan;
            IEnumerable<CpuKernelEmitter> used =
                PolicyRegistry.All.Where(policy => request.Policies.Contains(policy.AttributeName)).Select(policy => policy.Cpu);
            Add(output, plan.ClassName + ".Cpu", new FeedForwardClass(plan, FeedForwardClass.Kernels(plan, used), request.Batches).Emit());
        });

        InitializeIlgpu(
            context,
            models.Combine(ilgpu).Where(static pair => pair.Right).Select(static (pair, _) => pair.Left),
            layers.Combine(ilgpu).Where(static pair => pair.Right).Select(static (pair, _) => pair.Left));
    }

    private static void InitializeIlgpu(
        IncrementalGeneratorInitializationContext context, IncrementalValuesProvider<ModelSpec> models, IncrementalValuesProvider<LayerSpec> layers)
    {
        context.RegisterSourceOutput(
            layers,
            static (output, spec) => Add(output, spec.Target.FullName + ".Ilgpu", new IlgpuLayerClass(spec).Emit()));

        context.RegisterSourceOutput(
            models.Select(static (spec, _) => IlgpuDecoderPlan.Of(spec)).WithTrackingName(Steps.PlanIlgpuModel),
            static (output, plan) => Add(output, plan.Spec.Target.FullName + ".Ilgpu", new IlgpuDecoderClass(plan).Emit()));

        // Models and layers of one shape and one target share its kernels.
        IncrementalValuesProvider<DeviceKernelRequest> kernels = models
            .Select(static (spec, _) => new ModelKernelRequest(spec.Device, KernelRequest.Of(spec)))
            .Collect()
            .Combine(layers.Select(static (spec, _) => new ModelKernelRequest(spec.Device, KernelRequest.Of(spec))).Collect())
            .SelectMany(static (requests, _) => DeviceKernelRequest.Merge(requests.Left.Concat(requests.Right)))
            .WithTrackingName(Steps.PlanIlgpuKernels);
        context.RegisterSourceOutput(kernels, static (output, pair) =>
        {
            KernelRequest request = pair.Kernel;
            IlgpuFeedForwardPlan plan =
                IlgpuFeedForwardPlan.Of(request.Plan.Spec, request.Plan.Weights, DeviceTable.Find(pair.Device)!);
            IEnumerable<SparsityPolicy> used = PolicyRegistry.All.Where(policy => request.Policies.Contains(policy.AttributeName));
            string text = new FeedForwardIlgpuClass(
                plan, FeedForwardIlgpuClass.Kernels(plan, used), request.Batches, request.Alone).Emit();
            Add(output, plan.ClassName, text);
        });

        context.RegisterSourceOutput(
            models.Collect().Combine(layers.Collect()),
            static (output, all) =>
            {
                if (all.Left.Length + all.Right.Length > 0)
                {
                    Add(output, AssemblyPart.FileName, AssemblyPart.Emit());
                }
            });
    }

    private static void Add(SourceProductionContext output, string name, string text) =>
        output.AddSource(name + ".g.cs", SourceText.From(text, Utf8));

    /// <summary>The kernels that one shape and weight type needs.</summary>
    /// <param name="Policies">Attribute names, sorted.</param>
    /// <param name="Batches">Whether a model processes prompts with it.</param>
    /// <param name="Alone">Whether a layer that stands alone uses it.</param>
    internal sealed record KernelRequest(FeedForwardPlan Plan, EquatableArray<string> Policies, bool Batches, bool Alone)
    {
        public static EquatableArray<KernelRequest> Of(ModelSpec spec) =>
            Of(spec.FeedForward, spec.Weights, spec.Policies.Select(policy => policy.Policy), batches: true);

        public static EquatableArray<KernelRequest> Of(LayerSpec spec) => Of(spec.FeedForward, spec.Weights, [spec.Policy], batches: false);

        /// <summary>One request a shape and type, with the policies of all who asked.</summary>
        public static IEnumerable<KernelRequest> Merge(IEnumerable<KernelRequest> requests) => requests
            .GroupBy(request => request.Plan)
            .OrderBy(group => group.Key.ClassName, System.StringComparer.Ordinal)
            .Select(group => new KernelRequest(
                group.Key,
                Sorted(group.SelectMany(request => request.Policies)),
                group.Any(request => request.Batches),
                group.Any(request => request.Alone)));

        private static EquatableArray<KernelRequest> Of(
            FeedForwardSpec shape, IEnumerable<WeightType> weights, IEnumerable<PolicySpec> policies, bool batches)
        {
            EquatableArray<string> names = Sorted(policies.Select(policy => PolicyRegistry.For(policy).AttributeName));
            return weights.Select(type => new KernelRequest(Planner.FeedForward(shape, type), names, batches, !batches)).ToEquatableArray();
        }

        private static EquatableArray<string> Sorted(IEnumerable<string> names) =>
            names.Distinct().OrderBy(name => name, System.StringComparer.Ordinal).ToEquatableArray();
    }

    /// <summary>The kernels that one model needs, and the device that they are planned for.</summary>
    internal sealed record ModelKernelRequest(string Device, EquatableArray<KernelRequest> Kernels);

    /// <summary>The kernels that one shape and weight type needs on one device.</summary>
    internal sealed record DeviceKernelRequest(string Device, KernelRequest Kernel)
    {
        /// <summary>One request a device, shape and type.</summary>
        public static IEnumerable<DeviceKernelRequest> Merge(IEnumerable<ModelKernelRequest> models) => models
            .GroupBy(model => model.Device, System.StringComparer.Ordinal)
            .OrderBy(group => group.Key, System.StringComparer.Ordinal)
            .SelectMany(group => KernelRequest.Merge(group.SelectMany(model => model.Kernels))
                .Select(kernel => new DeviceKernelRequest(group.Key, kernel)));
    }
}
