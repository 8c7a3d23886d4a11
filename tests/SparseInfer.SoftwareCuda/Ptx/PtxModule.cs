namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>A module of PTX, parsed and made ready to execute. Immutable; shared by all who load the same text.</summary>
internal sealed class PtxModule
{
    /// <summary>Parses a module's text; the second time that a text is asked for, it is there already.</summary>
    /// <param name="text">PTX as ILGPU writes it.</param>
    /// <exception cref="PtxException">The text is no PTX, or has what the device does not execute. Names line and text.</exception>
    public static PtxModule Load(string text) => throw new NotImplementedException();

    /// <summary>An entry by its name; null where there is none.</summary>
    public PtxFunction? Find(string name) => throw new NotImplementedException();
}

/// <summary>A kernel: an entry of a module.</summary>
internal sealed class PtxFunction
{
    /// <summary>As PTX names it: <c>Kernel_SignBit</c>.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>Sizes and places of the parameters, in their order.</summary>
    public IReadOnlyList<PtxParameter> Parameters => throw new NotImplementedException();

    /// <summary>Bytes of all parameters, padding included.</summary>
    public int ParameterBytes => throw new NotImplementedException();

    /// <summary>Bytes of shared memory that are declared, without dynamic ones.</summary>
    public int SharedBytes => throw new NotImplementedException();

    /// <summary>Registers of 32 bits that the busiest place of the function keeps alive: an estimate, for occupancy.</summary>
    public int Registers => throw new NotImplementedException();

    /// <summary>Most threads of a group (<c>.maxntid</c>); 1024 where nothing is said.</summary>
    public int MaxThreads => throw new NotImplementedException();
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
