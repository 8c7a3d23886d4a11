extern alias generators;

using System.Text;
using generators::SparseInfer.Generators.Declare;
using generators::SparseInfer.Generators.Ilgpu;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Inspect;

/// <summary><c>sparseinfer inspect</c>.</summary>
internal static class InspectCommand
{
    /// <summary>Shows what was asked for: nothing else goes to standard output.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="error">Where progress goes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(InspectOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        string text = options.View switch
        {
            InspectView.Cost => Cost(options, cancellationToken),
            InspectView.Kernels => Kernels(options, progress, cancellationToken),
            InspectView.Code => Files(options, Code(options, cancellationToken)),
            _ => Files(options, Ptx(options, progress, cancellationToken)),
        };
        await output.WriteAsync(text);
    }

    private static IlgpuDecoderPlan Plan(ModelDeclaration declaration, CancellationToken cancellationToken)
    {
        ModelSpec spec = ModelCompiler.Read(declaration, cancellationToken);
        return GpuLimit.Missing(spec) is { } missing ? throw new CliException($"{missing}; --code shows those for CPUs.") : IlgpuDecoderPlan.Of(spec);
    }

    private static IReadOnlyList<(string Name, string Text)> Code(InspectOptions options, CancellationToken cancellationToken)
    {
        bool hasGpuProgram = GpuLimit.Missing(ModelCompiler.Read(options.Declaration, cancellationToken)) is null;
        return [.. ModelCompiler.Compile(options.Declaration, cancellationToken, forGpu: hasGpuProgram).Generated];
    }

    private static string Cost(InspectOptions options, CancellationToken cancellationToken)
    {
        ModelDeclaration declaration = options.Declaration;
        IlgpuDecoderPlan plan = Plan(declaration, cancellationToken);
        int position = options.Position ?? Math.Min(InspectOptions.UsualPosition, declaration.Context - 1);
        if (options.Channels is not null && plan.Channels.Count == 0)
        {
            throw new CliException($"--channels is about inputs with a threshold, and the model has none: give {PolicyText.Option} 'Dense, InputThreshold(FeedForward = 0.1f)'.");
        }

        var report = new CostReport(declaration, plan, options.Sparsity, options.Channels ?? 0, position);
        return options.Json ? report.Json() : report.Text();
    }

    private static string Kernels(InspectOptions options, ProgressLine progress, CancellationToken cancellationToken)
    {
        IlgpuDecoderPlan plan = Plan(options.Declaration, cancellationToken);
        CompiledModel compiled = ModelCompiler.Compile(options.Declaration, cancellationToken, forGpu: true);
        IReadOnlyList<KernelMethod> kernels = KernelList.Of(compiled);
        progress.Show("compiling to PTX");
        KernelPtx[] ptx = KernelPtx.Of(kernels, plan.Target.Architecture, cancellationToken);
        using IlgpuDevice? device = CountedRun.TryOpen(out string? whyNot);
        CountedRun? counted = device is null ? null : CountedRun.Of(options.Declaration, device, progress, cancellationToken);
        var report = new KernelReport(options.Declaration, plan, [.. kernels.Zip(ptx)], counted, whyNot);
        return options.Json ? report.Json() : report.Text();
    }

    private static IReadOnlyList<(string Name, string Text)> Ptx(
        InspectOptions options, ProgressLine progress, CancellationToken cancellationToken)
    {
        progress.Show("generating");
        IEnumerable<KernelUse> uses = KernelTable.Of(Plan(options.Declaration, cancellationToken));
        bool hasTensorCores = new IlgpuDeviceInfo { Name = "", Kind = "cuda", Architecture = options.Architecture }.HasTensorCores;
        HashSet<string> others = [.. uses.Where(use => use.NeedsTensorCores && !hasTensorCores).Select(use => use.Name)];
        KernelMethod[] kernels =
        [
            .. KernelList.Of(ModelCompiler.Compile(options.Declaration, cancellationToken, forGpu: true)).Where(kernel => !others.Contains(kernel.Name)),
        ];
        var files = new List<(string, string)>();
        foreach (KernelMethod kernel in kernels)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Show("compiling to PTX", (double)files.Count / kernels.Length);
            files.Add(($"{kernel.ClassName}.{kernel.Name}.ptx", PtxCompiler.Compile(kernel.Method, options.Architecture!)));
        }

        return files;
    }

    /// <summary>Writes files into the folder, and tells of each; without a folder, they are what is shown.</summary>
    private static string Files(InspectOptions options, IReadOnlyList<(string Name, string Text)> files)
    {
        var text = new StringBuilder();
        try
        {
            foreach ((string name, string content) in files)
            {
                if (options.Out is not { } folder)
                {
                    text.Append($"// ---- {name}\n{content.TrimEnd('\n')}\n\n");
                    continue;
                }

                Directory.CreateDirectory(folder);
                string path = Path.Combine(folder, name);
                File.WriteAllText(path, content);
                text.Append(path).Append('\n');
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"--out: {exception.Message}");
        }

        return text.ToString();
    }
}
