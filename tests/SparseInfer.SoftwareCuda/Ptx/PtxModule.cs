using System.Collections.Concurrent;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>A module of PTX, parsed and made ready to execute. Immutable; shared by all who load the same text.</summary>
internal sealed class PtxModule
{
    // Tests load thousands of modules; what was not asked for lately is parsed again.
    private const int CachedModules = 512;

    private static readonly ConcurrentDictionary<string, Lazy<PtxModule>> Cache = new(StringComparer.Ordinal);

    private readonly Dictionary<string, PtxFunction> _functions;

    internal PtxModule(Dictionary<string, PtxFunction> functions)
    {
        _functions = functions;
    }

    /// <summary>Parses a module's text; the second time that a text is asked for, it is there already.</summary>
    /// <param name="text">PTX as ILGPU writes it.</param>
    /// <exception cref="PtxException">The text is no PTX, or has what the device does not execute. Names line and text.</exception>
    public static PtxModule Load(string text)
    {
        if (Cache.Count >= CachedModules)
        {
            Cache.Clear();
        }

        return Cache.GetOrAdd(text, static key => new Lazy<PtxModule>(() => new ModuleReader(key).Read())).Value;
    }

    /// <summary>An entry by its name; null where there is none.</summary>
    public PtxFunction? Find(string name) => _functions.GetValueOrDefault(name);
}

/// <summary>A kernel: an entry of a module.</summary>
internal sealed class PtxFunction
{
    private readonly Lazy<int> _registers;

    internal PtxFunction(string name, IReadOnlyList<PtxParameter> parameters, int maxThreads, DecodedProgram program)
    {
        Name = name;
        Parameters = parameters;
        ParameterBytes = parameters.Count == 0 ? 0 : parameters[^1].Offset + parameters[^1].Bytes;
        MaxThreads = maxThreads;
        Program = program;
        _registers = new Lazy<int>(() => Liveness.Registers(program));
    }

    /// <summary>As PTX names it: <c>Kernel_SignBit</c>.</summary>
    public string Name { get; }

    /// <summary>Sizes and places of the parameters, in their order.</summary>
    public IReadOnlyList<PtxParameter> Parameters { get; }

    /// <summary>Bytes of all parameters, padding included.</summary>
    public int ParameterBytes { get; }

    /// <summary>Bytes of shared memory that are declared, without dynamic ones.</summary>
    public int SharedBytes => Program.SharedBytes;

    /// <summary>
    /// Registers of 32 bits that the busiest place of the function keeps alive: an estimate, for occupancy. ptxas schedules loads early and
    /// removes copies, and decides otherwise.
    /// </summary>
    public int Registers => _registers.Value;

    /// <summary>Most threads of a group (<c>.maxntid</c>); 1024 where nothing is said.</summary>
    public int MaxThreads { get; }

    internal DecodedProgram Program { get; }
}

/// <summary>A parameter of a kernel.</summary>
/// <param name="Name">As PTX names it.</param>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record PtxParameter(string Name, int Offset, int Bytes);

/// <summary>PTX that cannot be executed.</summary>
internal sealed class PtxException(string message, int line) : Exception(message)
{
    /// <summary>The line, from 1; 0: the text as a whole.</summary>
    public int Line { get; } = line;
}
