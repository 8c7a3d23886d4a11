using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// What kernels of one token leave unread where heads are chosen: rows of the queries of those that are left out, and of the output projection the loads that meet
/// what is zero of them. Lanes that would make such a load make the row's first one, which costs a sector: no load waits for a branch, and every sum keeps
/// its order.
/// </summary>
internal sealed class KeptHeads(CodeWriter code, IlgpuDecoderPlan plan)
{
    /// <summary>Where the loads of a row are, in shared memory.</summary>
    public const string Places = "places";

    private int Sharing => plan.Spec.Attention.Heads / plan.Spec.Attention.KeyValueHeads;

    /// <summary>What kernels are told of the heads that a token keeps.</summary>
    public static IReadOnlyList<KernelParameter> Parameters { get; } = [KernelParameter.Floats("headMarks"), KernelParameter.Int("choosesHeads")];

    /// <summary>The arguments for them, with a comma before.</summary>
    /// <param name="chooses">Whether heads are chosen there, as C#: 1 or 0.</param>
    public static string Arguments(string chooses) => $", _{HeadChoice.Marks(new("", 0)).Variable}, {chooses}";

    /// <summary>Whether the output projection leaves loads out: those of zeros alone, where its matrix has a row for each output, and the group has room for their places.</summary>
    public static bool SkipsOutput(IlgpuDecoderPlan plan, Project project, RowPlan row) =>
        project is { Stage: Stage.Output, Channels.HasThreshold: false } && ModelProgram.Of(plan.Spec).ChoosesHeads() && PlaceBytes(row) <= Room(plan, row);

    /// <summary>Whether heads are chosen before their queries are computed, in any layer.</summary>
    public static bool SkipsQueries(IlgpuDecoderPlan plan) => RoutedLayers(plan).Length > 0;

    /// <summary>Choices that are made before any query is computed.</summary>
    public static PolicyUse[] RoutedLayers(IlgpuDecoderPlan plan) =>
        [.. ModelProgram.Of(plan.Spec).Layer.HeadPhases().Where(phase => phase.First().Stage == Stage.Heads).Select(phase => phase.Key)];

    /// <summary>Whether a query head is left out, as C#: of all lanes of a warp the same.</summary>
    public string IsLeftOut(string head) => $"choosesHeads != 0 && {head} < {plan.Spec.Attention.Heads} && headMarks[{(Sharing == 1 ? head : $"{head} / {Sharing}")}] < 0f";

    /// <summary>Writes where each load of a row is made, <see cref="Places"/>: its own place, or the first one where all that it meets is of heads that are left out.</summary>
    public void EmitPlaces(RowPlan row, int threads)
    {
        code.Line($"ArrayView<int> {Places} = SharedMemory.Allocate<int>({row.Words});");
        int size = plan.Spec.Attention.HeadDimension;
        using (WarpCode.ForEach(code, "word", "thread", row.Words, threads))
        {
            code.Line("int place = word;");
            using (code.Block("if (choosesHeads != 0)"))
            {
                string last = $"{plan.Spec.Attention.KeyValueHeads - 1}";
                string Head(string column) => $"{column} / {size * Sharing}";
                if (size * Sharing % row.PerLoad == 0)
                {
                    code.Line($"int shared = {Head(WarpCode.Times("word", row.PerLoad))};");
                    using (code.Block($"if ({(row.Columns > plan.Shape.QueryWidth ? $"shared > {last} || " : "")}headMarks[shared] < 0f)"))
                    {
                        code.Line("place = 0;");
                    }
                }
                else
                {
                    code.Line($"int shared = {Head($"(word * {row.PerLoad})")};");
                    code.Line($"int endOfShared = {Head($"((word * {row.PerLoad}) + {row.PerLoad - 1})")} + 1;");
                    code.Line("float best = -1f;");
                    using (code.Block($"for (int other = shared; other < endOfShared && other <= {last}; other++)"))
                    {
                        code.Line("best = MathF.Max(best, headMarks[other]);");
                    }

                    code.Line();
                    using (code.Block("if (best < 0f)"))
                    {
                        code.Line("place = 0;");
                    }
                }
            }

            code.Line();
            code.Line($"{Places}[word] = place;");
        }

        code.Line();
        code.Line("Group.Barrier();");
    }

    private static int PlaceBytes(RowPlan row) => row.Words * sizeof(int);

    private static int Room(IlgpuDecoderPlan plan, RowPlan row) =>
        DeviceTable.MaxSharedBytes - (plan.SharesInput(row) ? row.InputBytes : 0) - (IlgpuDecoderPlan.RowWarps * sizeof(float));
}
