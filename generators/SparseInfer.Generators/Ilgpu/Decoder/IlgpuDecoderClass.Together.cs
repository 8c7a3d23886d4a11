namespace SparseInfer.Generators.Ilgpu;

/// <summary>Several sequences decoded together, a token of each: their kernels and buffers.</summary>
internal sealed partial class IlgpuDecoderClass
{
    /// <summary>What <c>DecoderBatch</c> calls the most of them.</summary>
    private const string MaxStates = "MaxStates";

    private void EmitTogether(TogetherPass pass)
    {
        _code.Summary("Kernels of sequences that are decoded together.");
        using (_code.Block("private sealed class TogetherKernels(IlgpuDevice device)"))
        {
            foreach (DeviceKernel kernel in _launches.KernelsTogether)
            {
                kernel.EmitField(_code, _name);
            }
        }

        _code.Line();
        DeviceBuffer[] buffers =
        [
            .. Rows(MaxStates),
            .. ChosenOfSequences,
            .. ChosenOf(MaxStates),
            .. _plan.HasExperts ? ActivatedOfExperts(MaxStates) : [new("float", "_activated", $"{MaxStates} * 4 * IntermediateQuads", "activations")],
            new("Float4", "_partial", $"{MaxStates} * {PartialQuads}L", PartialSums),
            .. _plan.NormsNeurons ? [SquaresOf(MaxStates)] : Array.Empty<DeviceBuffer>(),
            .. ChannelBuffers(MaxStates),
        ];
        _code.Summary("Sequences that are decoded together, a token of each: weights are read once for all of them, and each has the bits that it has alone.");
        using (_code.Block("private sealed class Together : IlgpuDecoderBatch"))
        {
            _code.Line($"private readonly {_name} _program;");
            _code.Line("private readonly TogetherKernels _kernels;");
            foreach (DeviceBuffer buffer in buffers)
            {
                _code.Line($"private readonly ArrayView<{buffer.Type}> {buffer.Name};");
            }

            foreach (DeviceBuffer buffer in Splits(MaxStates))
            {
                _code.Line($"private readonly GrowingBuffer<{buffer.Type}> {buffer.Name};");
            }

            _code.Line();
            using (_code.Block($"public Together({_name} program, TogetherKernels kernels) : base(program)"))
            {
                _code.Line("_program = program;");
                _code.Line("_kernels = kernels;");
                EmitBuffers(buffers, Splits(MaxStates));
            }

            _code.Line();
            _code.Summary("More positions: what attention leaves of their splits.");
            using (_code.Block("protected override void Reserve(int positions)"))
            {
                EmitGrow(Splits(MaxStates));
            }

            EmitMethods(pass.Emit, pass.EmitEmbed, pass.EmitRows, pass.EmitAttend, () => pass.EmitNorms(pass.Launches), pass.EmitCaches);
            if (_plan.HasExperts)
            {
                EmitMethods(() => new ExpertLaunches(_code, _plan).Emit(meters: false));
            }

            if (_program.Words is { } words)
            {
                EmitMethods(() => pass.EmitChosenRows(words));
            }

            if (_program.Memories.Count > 0)
            {
                EmitMethods(pass.EmitCopyChosen);
            }

            if (Kept.Any())
            {
                EmitMethods(pass.EmitKept);
            }
        }
    }
}
