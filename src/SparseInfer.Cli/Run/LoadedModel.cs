using System.Diagnostics;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.SoftwareCuda;

namespace SparseInfer.Cli.Run;

/// <summary>A model in memory that was declared by its file: compiled for exactly that, or found compiled, and loaded.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly Device _device;

    private LoadedModel(LanguageModel model, Device device, ModelDeclaration declaration, ModelCost cost)
    {
        Model = model;
        _device = device;
        Declaration = declaration;
        Cost = cost;
    }

    public LanguageModel Model { get; }

    public ModelDeclaration Declaration { get; }

    /// <summary>What tokens cost.</summary>
    public ModelCost Cost { get; }

    /// <summary>Seconds it took to compile the model; null: it was compiled before.</summary>
    public double? CompileSeconds { get; private init; }

    /// <summary>Whether the next call finds it compiled.</summary>
    public bool IsKept { get; private init; }

    /// <summary>Seconds it took to read it.</summary>
    public double LoadSeconds { get; private init; }

    /// <summary>What the file declares, with the policies that were asked for.</summary>
    /// <param name="request">The model.</param>
    /// <param name="cost">What its tokens cost.</param>
    /// <exception cref="CliException">It cannot be declared.</exception>
    public static ModelDeclaration Declare(ModelRequest request, out ModelCost cost)
    {
        using ModelFile file = ModelFile.Open(request.File.Path);
        ModelDeclaration read = FileDeclaration.Read(file, request.File.Activation, request.File.Threshold, alpha: 1f, request.File.Overrides);
        cost = new(read, file, request.File.Overrides);
        return WithPolicies(read with { Observed = request.Observed }, request);
    }

    /// <summary>Declares, compiles and loads.</summary>
    /// <param name="request">The model.</param>
    /// <param name="cache">Where compiled models are kept.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CliException">It cannot be declared, or there is no such device.</exception>
    public static LoadedModel Load(ModelRequest request, CompiledCache cache, ProgressLine progress, CancellationToken cancellationToken)
    {
        ModelDeclaration declaration = Declare(request, out ModelCost cost);
        Device device = OpenDevice(request);
        try
        {
            long start = Stopwatch.GetTimestamp();
            bool isCompiled = false;
            CompiledModel compiled = cache.Get(declaration, forGpu: device is not CpuDevice, Compiling, cancellationToken);
            double compile = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            LoadOptions options = request.File.Overrides with { Progress = new LoadMeter(progress, cancellationToken) };
            LanguageModel model = compiled.Load(ModelFile.Open(request.File.Path), device, options);
            double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
            progress.Notes(model.LoadReport);
            return new(model, device, declaration, cost)
            {
                CompileSeconds = isCompiled ? compile : null,
                IsKept = cache.Keeps,
                LoadSeconds = load,
            };

            void Compiling()
            {
                isCompiled = true;
                progress.Show($"compiling {declaration.Name}");
            }
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        _device.Dispose();
    }

    /// <summary>Without policies or a profile nothing is skipped that would change a result: zeros that the activation leaves.</summary>
    private static ModelDeclaration WithPolicies(ModelDeclaration read, ModelRequest request)
    {
        if (request.Profile is not { } path)
        {
            return read with { Policies = request.Policies ?? [read.HasZeros ? "ExactSparsity" : "Dense"] };
        }

        DeclaredProfile profile = DeclaredProfile.Read(path, [], out IReadOnlyList<string> attributes);
        if (request.Policies is { } policies && !attributes.Any(attribute => policies.Any(policy => NameOf(policy) == NameOf(attribute))))
        {
            throw new CliException($"--profile {path} has nothing for --policy {string.Join(", ", policies)}: give one of them.");
        }

        return read with { Profile = profile, Policies = request.Policies ?? attributes };
    }

    private static string NameOf(string attribute) => attribute.Split('(')[0];

    private static Device OpenDevice(ModelRequest request)
    {
        SoftwareCudaBackend.Register();
        try
        {
            return Device.Open(request.Device, request.Threads);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new CliException($"--device {request.Device}: {exception.Message}");
        }
    }
}
