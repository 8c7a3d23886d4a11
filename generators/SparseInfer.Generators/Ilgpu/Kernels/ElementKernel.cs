using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Operations that take an element each, one after the other in one kernel: an element for a thread, a row of groups for each token.</summary>
internal static class ElementKernel
{
    private const int Threads = FeedForwardIlgpuClass.BatchThreads;

    /// <summary>Whether kernels know the operation.</summary>
    public static bool Knows(Operation operation) =>
        operation is AddBias or Rectify or AddResidual or IIlgpuOperation && operation.Tensors.All(tensor => tensor.Columns is null);

    /// <summary>What comments call it.</summary>
    public static string Word(Operation operation) => operation switch
    {
        AddBias => "bias",
        Rectify => "ReLU",
        AddResidual => "sum",
        _ => operation.GetType().Name,
    };

    /// <summary>Groups of a token.</summary>
    public static string Groups(int width) => $"{(width + Threads - 1) / Threads}";

    /// <param name="operations">What is done, in order, with what one of them writes and all of them read.</param>
    /// <param name="width">Elements of a token.</param>
    /// <param name="stride">From a token's to the next one's, as C#.</param>
    /// <param name="ofExperts">Whether each of a token's experts has a row, and vectors of its own.</param>
    public static DeviceKernel Of(
        CodeWriter code, string name, string summary, IReadOnlyList<Operation> operations, int width, string stride, bool ofExperts = false) => new(
        name,
        Threads,
        $"{summary} An element for a thread{(ofExperts ? ", a row for each of a token's experts" : "")}.",
        [.. HasChosen(operations, ofExperts) ? [ExpertCode.Chosen] : Array.Empty<KernelParameter>(), KernelParameter.Floats("values"), .. operations.SelectMany(Others).Select(KernelParameter.Floats)],
        () =>
        {
            bool isExact = width % Threads == 0;
            code.Line($"int i = (Grid.IdxX * {Threads}) + Group.IdxX;");
            using (isExact ? default(CodeWriter.Scope?) : code.Block($"if (i < {width})"))
            {
                code.Line($"int place = (Grid.IdxY * {stride}) + i;");
                code.Line("float value = values[place];");
                foreach (Operation operation in operations)
                {
                    code.Line($"value = {Value(operation, "value", new(IsQuad: false, tensor => $"{tensor.Variable}[{(ofExperts ? $"(experts[Grid.IdxY] * {width}) + i" : "i")}]"))};");
                }

                code.Line("values[place] = value;");
            }
        });

    /// <summary>Whether the kernel reads which experts a token has, and takes them first.</summary>
    public static bool HasChosen(IEnumerable<Operation> operations, bool ofExperts) => ofExperts && operations.SelectMany(Others).Any();

    /// <summary>What an operation reads beside the value it changes: parameters, and how launches know them.</summary>
    public static IEnumerable<string> Others(Operation operation) =>
        operation is AddResidual ? [Slot.Projected.Variable] : operation.Tensors.Select(tensor => tensor.Variable);

    /// <summary>What becomes of a value.</summary>
    public static string Value(Operation operation, string value, IlgpuElement at) => operation switch
    {
        AddBias bias => $"{value} + {at.Vector(bias.Bias)}",
        Rectify => $"{value} > 0f ? {value} : 0f",
        AddResidual => $"{value} + {Slot.Projected.Variable}[place]",
        IIlgpuOperation own => own.Value(value, at),
        _ => throw new NotSupportedException($"A GPU's program has no elements of {operation.GetType().Name}."),
    };
}
