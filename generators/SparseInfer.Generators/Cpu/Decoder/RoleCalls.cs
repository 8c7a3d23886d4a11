using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>How a decoder's generated code calls primitives for each of its matrices: roles that have the same weight types, the same way.</summary>
internal sealed class RoleCalls
{
    private readonly ModelSpec _spec;
    private readonly ModelProgram _program;
    private readonly Dictionary<EquatableArray<WeightType>, WeightCalls> _calls = [];

    public RoleCalls(ModelSpec spec, ModelProgram program)
    {
        _spec = spec;
        _program = program;
        EquatableArray<WeightType>[] lists = [.. Products.Concat(ByChannels).Append(program.Embed.Table).Select(matrix => matrix.Types(spec)).Distinct()];
        bool hasSeveralSwitches = lists.Count(types => types.Count > 1) > 1;
        foreach (EquatableArray<WeightType> types in lists)
        {
            _calls.Add(types, new WeightCalls(types, hasSeveralSwitches ? string.Join("Or", types) : ""));
        }
    }

    /// <summary>Matrices that inputs are multiplied with, but those of feed-forwards: attention's, the head, those of policies.</summary>
    private IEnumerable<Tensor> Products =>
        _program.Layer.OfType<Project>().Select(project => project.Matrix).Append(_program.Head.Matrix).Concat(_program.Words?.Tensors ?? []);

    /// <summary>Those that have a row for each input channel, of feed-forwards too.</summary>
    private IEnumerable<Tensor> ByChannels => _program.Layer.SelectMany(operation => operation switch
    {
        Project { Channels: not null } project => [project.Matrix],
        Neurons { Channels: not null } neurons => neurons.Matrices,
        _ => Array.Empty<Tensor>(),
    });

    /// <summary>How it is called for a matrix.</summary>
    public WeightCalls Of(Tensor matrix) => _calls[matrix.Types(_spec)];

    /// <summary>A worker's inputs of the decoder's own matrices.</summary>
    public IEnumerable<string> Inputs => InputsOf(project => project is { Policy: null, Channels: null }).Concat(Of(_program.Head.Matrix).Inputs).Distinct();

    /// <summary>A worker's inputs of the matrices of policies.</summary>
    public IEnumerable<string> PolicyInputs => InputsOf(project => project.Policy is not null).Distinct();

    private IEnumerable<string> InputsOf(Func<Project, bool> condition) =>
        _program.Layer.OfType<Project>().Where(condition).SelectMany(project => Of(project.Matrix).Inputs);

    /// <summary>Writes the switches that calls go through.</summary>
    public void EmitHelpers(CodeWriter code)
    {
        WeightCalls ofRows = Of(_program.Embed.Table);
        foreach (WeightCalls calls in _calls.Values)
        {
            if (Products.Except(ByChannels).Any(matrix => Of(matrix) == calls))
            {
                calls.EmitProducts(code);
            }

            if (ByChannels.Any(matrix => Of(matrix) == calls))
            {
                calls.EmitChannels(code);
            }

            if (_program.Words is not null && Of(_program.Head.Matrix) == calls)
            {
                calls.EmitListed(code);
            }

            if (calls == ofRows)
            {
                calls.EmitRows(code, addsRows: _program.AfterEmbed.OfType<AddPosition>().Any());
            }
        }
    }
}
