extern alias generators;

using System.Globalization;
using generators::SparseInfer.Generators.Program;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Synthetic;

/// <summary>What policies of a declaration want from a file: a predictor's matrices.</summary>
/// <param name="Name">What GGUF files call it.</param>
/// <param name="Rows">Rows; of a vector, its elements.</param>
/// <param name="Columns">Columns; 0: it is a vector.</param>
/// <param name="Experts">How many lie in it one behind the other; 0: it is no experts'.</param>
internal readonly record struct PolicyTensor(string Name, int Rows, int Columns, int Experts)
{
    /// <summary>Rows of all that lie in it; of vectors, elements.</summary>
    public int AllRows => Math.Max(1, Experts) * Rows;

    /// <summary>Its shape, outermost first.</summary>
    public long[] Shape => [.. Experts > 0 ? [Experts] : Array.Empty<long>(), Rows, .. Columns > 0 ? [Columns] : Array.Empty<long>()];

    /// <summary>All that a declaration's policies want. Policies that were not written as attributes want none.</summary>
    /// <exception cref="CliException">The declaration breaks a rule; the message is the generator's.</exception>
    public static IReadOnlyList<PolicyTensor> Of(ModelDeclaration model)
    {
        if (model.Policies is null)
        {
            return [];
        }

        ModelProgram program = ModelProgram.Of(ModelCompiler.Read(model, CancellationToken.None));
        return
        [
            .. (program.Words?.Tensors ?? []).Select(tensor => Of(tensor, tensor.Gguf)),
            .. program.Layer.PolicyTensors().SelectMany(own => own.Layers.All.Select(layer =>
                Of(own.Tensor, own.Tensor.Gguf.Replace("{layer}", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)))),
        ];
    }

    private static PolicyTensor Of(Tensor tensor, string name) => new(name, tensor.Rows.Size, tensor.Columns?.Size ?? 0, tensor.Experts?.Size ?? 0);
}
