namespace SparseInfer.Benchmarks;

/// <summary>What one kind of run of the generator cost in one process.</summary>
/// <param name="Kind">What was run: "cold", "warm", or the edit before it.</param>
/// <param name="Milliseconds">Time of each run.</param>
/// <param name="ProcessorMilliseconds">Processor time of the process in each run: what others do on the machine is not in it.</param>
/// <param name="JitMilliseconds">Time of it that went into compiling to machine code, in the first of them.</param>
/// <param name="JitMethods">Methods that were compiled in the first of them.</param>
/// <param name="AllocatedBytes">What the first of them allocated.</param>
/// <param name="Files">Files that a run wrote; those it kept from the run before do not count.</param>
/// <param name="Bytes">Their length in UTF-8.</param>
internal sealed record GeneratorRun(
    string Kind,
    double[] Milliseconds,
    double[] ProcessorMilliseconds,
    double JitMilliseconds,
    int JitMethods,
    long AllocatedBytes,
    int Files,
    int Bytes);
