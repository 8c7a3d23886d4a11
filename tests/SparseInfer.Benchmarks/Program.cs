using BenchmarkDotNet.Running;
using SparseInfer.Benchmarks;

if (args is [AblationCommand.Name, ..])
{
    return AblationCommand.Run(args.AsSpan(1));
}

BenchmarkSwitcher.FromAssembly(typeof(AblationCommand).Assembly).Run(args);
return 0;
