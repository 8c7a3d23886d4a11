using System.Collections.Concurrent;
using System.Reflection;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>A kernel's rewritten text: the type of its lanes, and the places in it that faults and counters name.</summary>
internal sealed class KernelProgram
{
    private static readonly ConcurrentDictionary<MethodInfo, KernelProgram> Programs = new();

    private readonly Func<Lane> _createLane;

    internal KernelProgram(string name, Type lane, IReadOnlyList<Site> sites, int granule)
    {
        Name = name;
        Sites = sites;
        Granule = granule;
        _createLane = () => (Lane)Activator.CreateInstance(lane)!;
    }

    public string Name { get; }

    public IReadOnlyList<Site> Sites { get; }

    /// <summary>Bytes of the smallest number that the kernel reads or writes, at most 4.</summary>
    public int Granule { get; }

    /// <exception cref="KernelFaultException">The kernel breaks a rule of the rewriter's, or of ILGPU's.</exception>
    public static KernelProgram For(MethodInfo method, Type arguments) => Programs.GetOrAdd(method, key =>
    {
        try
        {
            return new KernelBuilder(key, arguments).Build();
        }
        catch (RuleException rule)
        {
            throw new KernelFaultException(key.Name, KernelFaultKind.Rule, rule.Message, rule);
        }
    });

    public Lane CreateLane() => _createLane();
}
