using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Parts;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators;

/// <summary>
/// Parse, plan, emit: declarations become specs, specs become plans, plans become C#. A declaration that breaks a rule is reported and yields
/// no spec but a stub, so nothing half is emitted and the code around it compiles.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class SparseInferGenerator : IIncrementalGenerator
{
    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    private readonly DeclarationReader _reader;

    private readonly StrayAttributes _strays;

    /// <summary>Called by the compiler.</summary>
    public SparseInferGenerator()
        : this(DeclarationLanguage.Reader)
    {
    }

    internal SparseInferGenerator(DeclarationReader reader)
    {
        _reader = reader;
        _strays = new(reader.Vocabulary);
    }

    /// <summary>Names of the pipeline's steps, by which tests look at what was computed again.</summary>
    internal static class Steps
    {
        public const string FindProfiles = nameof(FindProfiles);
        public const string ParseModel = nameof(ParseModel);
        public const string ParseLayer = nameof(ParseLayer);
        public const string ParseStub = nameof(ParseStub);
        public const string RenameFiles = nameof(RenameFiles);
        public const string PlanModel = nameof(PlanModel);
        public const string PlanKernels = nameof(PlanKernels);
        public const string FindIlgpu = nameof(FindIlgpu);
        public const string PlanIlgpuModel = nameof(PlanIlgpuModel);
        public const string PlanIlgpuKernels = nameof(PlanIlgpuKernels);
    }

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        // Files that no declaration names are compared, and not read.
        IncrementalValueProvider<ProfileFiles> profiles = Gather(context.AdditionalTextsProvider
                .Where(static file => file.Path.EndsWith(ProfileFile.Extension, StringComparison.OrdinalIgnoreCase))
                .Select(static (file, token) => new ProfileFile(file.Path, file.GetText(token)?.ToString() ?? "")))
            .Select(static (files, _) => new ProfileFiles(files.Items))
            .WithTrackingName(Steps.FindProfiles);
        IncrementalValuesProvider<ReadDeclaration> modelClasses = Declarations(context, AttributeNames.DecoderModel, profiles);
        IncrementalValuesProvider<ReadDeclaration> layerProperties = Declarations(context, AttributeNames.FeedForward, profiles);
        IncrementalValuesProvider<ReadDeclaration>[] declarations = [modelClasses, layerProperties, Strays(context)];

        IncrementalValuesProvider<ModelSpec> models = modelClasses
            .Where(static declaration => declaration.Model is not null)
            .Select(static (declaration, _) => declaration.Model!)
            .WithTrackingName(Steps.ParseModel);

        IncrementalValuesProvider<LayerSpec> layers = layerProperties
            .Where(static declaration => declaration.Layer is not null)
            .Select(static (declaration, _) => declaration.Layer!)
            .WithTrackingName(Steps.ParseLayer);

        IncrementalValuesProvider<StubSpec> stubs = declarations
            .Select(some => some.Where(static declaration => declaration.Stub is not null).Select(static (declaration, _) => declaration.Stub!))
            .Select(Gather)
            .Aggregate(static (some, more) => some.Combine(more).Select(static (pair, _) => pair.Left.With(pair.Right)))
            .SelectMany(static (all, _) => all.Items)
            .WithTrackingName(Steps.ParseStub);

        // A user without the ILGPU runtime gets no code for it.
        IncrementalValueProvider<Backends> backends = context.CompilationProvider
            .Select(static (compilation, _) => new Backends(
                Ilgpu: compilation.ReferencedAssemblyNames.Any(static assembly => assembly.Name == AttributeNames.IlgpuRuntime)))
            .WithTrackingName(Steps.FindIlgpu);

        // Mostly empty: names of files hang on one declaration, and not on the others.
        IncrementalValueProvider<HintNames> names = GatherBoth(models.Select(static (spec, _) => spec.Target), layers.Select(static (spec, _) => spec.Target))
            .Combine(Gather(stubs.Select(static (spec, _) => spec.Target)))
            .Select(static (all, _) => HintNames.Of(all.Left.With(all.Right).Items))
            .WithTrackingName(Steps.RenameFiles);

        foreach (IncrementalValuesProvider<ReadDeclaration> some in declarations)
        {
            context.RegisterSourceOutput(
                some.SelectMany(static (declaration, _) => declaration.Reports),
                static (output, report) => output.ReportDiagnostic(report.ToDiagnostic()));
        }

        context.RegisterSourceOutput(
            stubs.Combine(names),
            static (output, pair) => Add(output, pair.Right, pair.Left.Target, HintNames.Part, () => Stub.Emit(pair.Left)));
        context.RegisterSourceOutput(
            models.Combine(backends).Select(static (pair, _) => new ForBackends<ModelSpec>(pair.Left, pair.Right)).Combine(names),
            static (output, pair) => Add(
                output, pair.Right, pair.Left.Spec.Target, HintNames.Part, () => ModelClass.Emit(pair.Left.Spec, pair.Left.Backends.Ilgpu)));
        context.RegisterSourceOutput(
            models.Select(static (spec, _) => DecoderPlan.Of(spec)).WithTrackingName(Steps.PlanModel).Combine(names),
            static (output, pair) => Add(
                output, pair.Right, pair.Left.Spec.Target, HintNames.Cpu, () => new DecoderClass(pair.Left).Emit()));
        context.RegisterSourceOutput(
            layers.Combine(backends).Select(static (pair, _) => new ForBackends<LayerSpec>(pair.Left, pair.Right)).Combine(names),
            static (output, pair) => Add(
                output, pair.Right, pair.Left.Spec.Target, HintNames.Part, () => LayerProperty.Emit(pair.Left.Spec, pair.Left.Backends.Ilgpu)));
        context.RegisterSourceOutput(
            layers.Combine(names),
            static (output, pair) => Add(output, pair.Right, pair.Left.Target, HintNames.Cpu, () => new LayerClass(pair.Left).Emit()));

        // Models and layers that share a shape share its kernels.
        IncrementalValuesProvider<KernelRequest<CpuKernelEmitter>> kernels = GatherBoth(
                models.SelectMany(static (spec, _) => KernelRequest.Of(spec, CpuKernelEmitter.Set)),
                layers.SelectMany(static (spec, _) => KernelRequest.Of(spec, CpuKernelEmitter.Set)))
            .SelectMany(static (requests, _) => KernelRequest.Merge(requests.Items))
            .WithTrackingName(Steps.PlanKernels);
        context.RegisterSourceOutput(kernels, static (output, request) => Add(
            output,
            request.Shape.ClassName + HintNames.Cpu,
            () => new FeedForwardClass(
                FeedForwardPlan.Of(request.Shape, request.Downs), CpuKernelEmitter.Set.For(request.Shape, request.Kernels), request.Batches).Emit()));

        InitializeIlgpu(
            context,
            models.Combine(backends).Where(static pair => pair.Right.Ilgpu).Select(static (pair, _) => pair.Left),
            layers.Combine(backends).Where(static pair => pair.Right.Ilgpu).Select(static (pair, _) => pair.Left),
            names);
    }

    private static void InitializeIlgpu(
        IncrementalGeneratorInitializationContext context,
        IncrementalValuesProvider<ModelSpec> models,
        IncrementalValuesProvider<LayerSpec> layers,
        IncrementalValueProvider<HintNames> names)
    {
        context.RegisterSourceOutput(
            layers.Combine(names),
            static (output, pair) => Add(output, pair.Right, pair.Left.Target, HintNames.Ilgpu, () => new IlgpuLayerClass(pair.Left).Emit()));

        context.RegisterSourceOutput(
            models.Select(static (spec, _) => IlgpuDecoderPlan.Of(spec)).WithTrackingName(Steps.PlanIlgpuModel).Combine(names),
            static (output, pair) => Add(
                output, pair.Right, pair.Left.Spec.Target, HintNames.Ilgpu, () => new IlgpuDecoderClass(pair.Left).Emit()));

        // Models and layers of one shape and one target share its kernels.
        IncrementalValuesProvider<DeviceKernelRequest> kernels = GatherBoth(
                models.Select(static (spec, _) => ModelKernelRequest.Of(spec)), layers.Select(static (spec, _) => ModelKernelRequest.Of(spec)))
            .SelectMany(static (requests, _) => DeviceKernelRequest.Merge(requests.Items))
            .WithTrackingName(Steps.PlanIlgpuKernels);
        context.RegisterSourceOutput(kernels, static (output, pair) =>
        {
            KernelRequest<IlgpuKernelEmitter> request = pair.Kernel;
            IlgpuFeedForwardPlan plan = pair.Plan;
            Add(
                output,
                plan.ClassName,
                () => new FeedForwardIlgpuClass(plan, request).Emit());
        });

        context.RegisterSourceOutput(
            GatherBoth(models.Select(static (spec, _) => spec.Target), layers.Select(static (spec, _) => spec.Target)),
            static (output, targets) =>
            {
                if (targets.Items.Count > 0)
                {
                    Add(output, HintNames.Assembly, AssemblyPart.Emit);
                }
            });
    }

    /// <summary>Declarations that have the attribute which makes them one.</summary>
    private IncrementalValuesProvider<ReadDeclaration> Declarations(
        IncrementalGeneratorInitializationContext context, string attribute, IncrementalValueProvider<ProfileFiles> profiles)
    {
        DeclarationReader reader = _reader;
        return context.SyntaxProvider
            .ForAttributeWithMetadataName(
                attribute,
                static (node, _) => node is MemberDeclarationSyntax,
                (found, token) => StrayAttributes.IsStray(found.TargetSymbol, attribute)
                    ? null
                    : FoundDeclaration.Of(
                        found.TargetSymbol,
                        token,
                        (files, token) => reader.Read(found.TargetSymbol, found.TargetNode, found.SemanticModel, name => name == attribute, files, token)))
            .Where(static found => found is not null)
            .Combine(profiles)
            .Select(static (pair, token) => pair.Left!.Read(pair.Right, token))
            .Where(static declaration => declaration is not null)
            .Select(static (declaration, _) => declaration!);
    }

    /// <summary>A declaration that is read; or, where it names a file, one that waits for the project's files. Only these hold symbols, until the next edit.</summary>
    private sealed record FoundDeclaration(ReadDeclaration? Declaration, Func<ProfileFiles, CancellationToken, ReadDeclaration?>? Waiting)
    {
        public static FoundDeclaration Of(ISymbol symbol, CancellationToken token, Func<ProfileFiles, CancellationToken, ReadDeclaration?> read) =>
            symbol.GetAttributes().Any(attribute => attribute.AttributeClass?.ToDisplayString() == AttributeNames.SparsityProfile)
                ? new(null, read)
                : new(read(ProfileFiles.None, token), null);

        public ReadDeclaration? Read(ProfileFiles files, CancellationToken token) => Waiting is { } read ? read(files, token) : Declaration;
    }

    /// <summary>What has other attributes of the vocabulary and not that one.</summary>
    private IncrementalValuesProvider<ReadDeclaration> Strays(IncrementalGeneratorInitializationContext context)
    {
        DeclarationReader reader = _reader;
        StrayAttributes strays = _strays;
        return context.CompilationProvider
            .SelectMany(static (compilation, _) => compilation.SyntaxTrees)
            .SelectMany((tree, token) => strays.Candidates(tree, token))
            .Combine(context.CompilationProvider)
            .Select((pair, token) =>
            {
                SemanticModel model = pair.Right.GetSemanticModel(pair.Left.SyntaxTree);
                return model.GetDeclaredSymbol(pair.Left, token) is { } symbol
                    ? reader.Read(symbol, pair.Left, model, name => StrayAttributes.IsStray(symbol, name), ProfileFiles.None, token)
                    : null;
            })
            .Where(static declaration => declaration is not null)
            .Select(static (declaration, _) => declaration!);
    }

    // Whatever goes from step to step is a class: the pipeline's nodes are generic, and compiled once for all classes, but for each struct again.
    private static IncrementalValueProvider<Many<T>> Gather<T>(IncrementalValuesProvider<T> some)
        where T : class =>
        some.Collect().Select(static (all, _) => new Many<T>(all.ToEquatableArray()));

    private static IncrementalValueProvider<Many<T>> GatherBoth<T>(IncrementalValuesProvider<T> some, IncrementalValuesProvider<T> others)
        where T : class =>
        Gather(some).Combine(Gather(others)).Select(static (pair, _) => pair.Left.With(pair.Right));

    private sealed record Many<T>(EquatableArray<T> Items)
        where T : class
    {
        public Many<T> With(Many<T> others) => new(Items.Concat(others.Items).ToEquatableArray());
    }

    private sealed record ForBackends<T>(T Spec, Backends Backends)
        where T : class;

    /// <summary>What the project references, beside the CPU's runtime.</summary>
    private sealed record Backends(bool Ilgpu);

    private static void Add(SourceProductionContext output, HintNames names, TargetSpec target, string part, Func<string> emit) =>
        Add(output, names.Of(target, part), emit);

    /// <summary>Adds a file. What throws costs this file, and is reported; the others are written.</summary>
    internal static void Add(SourceProductionContext output, string name, Func<string> emit)
    {
        try
        {
            output.AddSource(name + ".g.cs", SourceText.From(emit(), Utf8));
        }
        catch (Exception exception) when (GeneratorFault.IsFault(exception))
        {
            output.ReportDiagnostic(GeneratorFault.Report(name, exception).ToDiagnostic());
        }
    }
}
