using BenchmarkDotNet.Running;
using SparseInfer.Benchmarks;

if (args is [AblationCommand.Name, ..])
{
    return AblationCommand.Run(args.AsSpan(1));
}

if (args is [GeneratorCommand.Name, ..])
{
    return GeneratorCommand.Run(args.AsSpan(1));
}

if (args is [GeneratorProcess.Name, ..])
{
    return GeneratorProcess.Run(args.AsSpan(1));
}

if (args is [PeersCommand.Name, ..])
{
    return PeersCommand.Run(args.AsSpan(1));
}

if (args is [PeerLoad.Name, ..])
{
    return PeerLoad.LoadOnce(args.AsSpan(1));
}

if (args is [PeerStart.Name, ..])
{
    return PeerStart.FirstToken(args.AsSpan(1));
}

BenchmarkSwitcher.FromAssembly(typeof(AblationCommand).Assembly).Run(args);
return 0;
