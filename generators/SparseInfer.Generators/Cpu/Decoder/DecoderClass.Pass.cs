using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>A way through the layers: one token, or a batch of a prompt's. Both are told from the same operations.</summary>
internal sealed partial class DecoderClass
{
    /// <summary>Writes a layer's operations: a function for each kind, and a barrier wherever the schedule has one.</summary>
    private abstract partial class Pass(DecoderClass decoder)
    {
        private readonly Dictionary<PolicyUse, IReadOnlyList<Phase>> _phasesWith = [];
        private IReadOnlyList<Phase>? _phases;
        private HashSet<Operation>? _ends;

        protected DecoderClass Decoder => decoder;

        protected CodeWriter Code => decoder._code;

        protected WeightCalls Calls(Tensor matrix) => decoder._calls.Of(matrix);

        /// <summary>The layer's operations as this pass has them.</summary>
        protected virtual IReadOnlyList<Operation> Operations => [.. WithChoices(decoder._program.Layer)];

        /// <summary>Those that workers may have to wait for.</summary>
        private IEnumerable<Operation> Scheduled => Operations.Where(operation => operation is not Observe);

        /// <summary>How workers share an operation.</summary>
        protected abstract Split SplitOf(Operation operation);

        /// <summary>The phases of a layer in which policies compute nothing before they choose.</summary>
        private IReadOnlyList<Phase> Phases => _phases ??= Schedule.Phases([.. Scheduled.Where(operation => !operation.IsOfPhase)], SplitOf);

        /// <summary>The phases of a layer in which some policy does.</summary>
        private IReadOnlyList<Phase> PhasesWith(PolicyUse policy)
        {
            if (!_phasesWith.TryGetValue(policy, out IReadOnlyList<Phase> phases))
            {
                phases = Schedule.Phases([.. Scheduled.Where(operation => !operation.IsOfPhase || operation.Policy == policy)], SplitOf);
                _phasesWith.Add(policy, phases);
            }

            return phases;
        }

        private IEnumerable<PolicyUse> Policies => Operations.Where(operation => operation.IsOfPhase).Select(operation => operation.Policy!).Distinct();

        /// <summary>How many barriers a layer has, and what comes before each.</summary>
        public string DescribeBarriers() => $"{Phases.Count} a layer: {string.Join(", ", Phases.Select(Describe))}"
            + string.Concat(Policies.GroupBy(policy => PhasesWith(policy).Count, policy => policy.Layers).Select(layers =>
                $"; {layers.Key} in Predicted mode{Where(LayerSet.Union(layers))}"));

        private static string Where(LayerSet layers) => layers.IsEveryLayer ? "" : $" where {layers.Condition}";

        private static string Describe(Phase phase) => phase.Operations.Last(operation => operation is Down || !(operation is Norm || operation is NormAttended || operation.IsElementwise)) switch
        {
            Down when phase.Operations.OfType<NormNeurons>().Any() => "their norm",
            SumChannels => "channels",
            ChooseHeads => "which heads",
            Project { Unit: WorkUnit.Head } => "heads",
            Attend => "attention",
            Project => "projection",
            Gates => "gates",
            Neurons or Down => "neurons",
            SumSlices or SumExperts => "sum",
            var other => throw new NotSupportedException($"Nothing is said of {other.GetType().Name}."),
        };

        public void EmitLayer()
        {
            IReadOnlyList<Operation> operations = Operations;
            HashSet<Operation> ends = Ends;
            int next = 0;
            while (next < operations.Count)
            {
                Operation operation = operations[next];
                if (next == 0 || operations[next - 1].Stage != operation.Stage)
                {
                    Code.Line();
                    Code.Line($"// {Comment(operation.Stage)}");
                    BeginStage(operation.Stage);
                }

                IReadOnlyList<Operation> run = [.. operations.Skip(next).Take(RunFrom(operations, next))];
                Emit(run);
                next += run.Count;
                if (!operation.IsOfPhase && ends.Contains(run[run.Count - 1]))
                {
                    bool endsStage = next == operations.Count || operations[next].Stage != operation.Stage;
                    EmitBarrier(endsStage);
                    if (endsStage)
                    {
                        EndStage(operation.Stage);
                    }
                }
            }
        }

        /// <summary>Operations that a barrier follows.</summary>
        public HashSet<Operation> Ends =>
            _ends ??= [.. Policies.SelectMany(PhasesWith).Concat(Phases).Select(phase => phase.Operations[phase.Operations.Count - 1])];

        /// <summary>How many operations are written together: those of one head, of one row, of a feed-forward.</summary>
        private static int RunFrom(IReadOnlyList<Operation> operations, int first)
        {
            Func<Operation, bool> belongs = operations[first] switch
            {
                { IsOfPhase: true } => operation => operation.IsOfPhase,
                KeepInput keep => operation => ReferenceEquals(operation, keep),
                { Unit: WorkUnit.Head } => operation => operation.Unit == WorkUnit.Head,
                GroupTokens or Gates or Neurons => IsFeedForward,
                { IsElementwise: true, Unit: WorkUnit.Column } => operation => operation is { IsElementwise: true, Unit: WorkUnit.Column },
                var only => operation => ReferenceEquals(operation, only),
            };
            return operations.Skip(first).TakeWhile(belongs).Count();
        }

        protected static bool IsFeedForward(Operation operation) =>
            operation is GroupTokens or Gates or MeasureGates or Neurons or CountTokens or SumSquares or NormNeurons or KeepLarger or Down or SumSlices or SumExperts;

        private void Emit(IReadOnlyList<Operation> run)
        {
            switch (run[0])
            {
                case KeepInput keep:
                    EmitKeep(keep);
                    break;
                case { IsOfPhase: true }:
                    Decoder.EmitPolicyCall(Row(Slot.Residual), "worker", "0");
                    break;
                case Norm norm:
                    EmitNorm(norm);
                    break;
                case ChooseHeads choice:
                    EmitChoice(choice);
                    break;
                case SumChannels sum:
                    EmitSumChannels(sum);
                    break;
                case { Unit: WorkUnit.Head }:
                    EmitHeads(run);
                    break;
                case Attend attend:
                    EmitAttend(attend);
                    break;
                case NormAttended norm:
                    EmitNorm(norm);
                    break;
                case Project project when (project.From == Slot.Attended || project.From == Slot.Normed) && project.To == Slot.Projected:
                    EmitProject(project);
                    break;
                case GroupTokens or Gates or Neurons:
                    EmitFeedForward();
                    break;
                case Route route:
                    EmitRoute(route);
                    break;
                case Observe observe:
                    EmitObserve(observe);
                    break;
                case { IsElementwise: true, Unit: WorkUnit.Column }:
                    EmitElementwise(run);
                    break;
                default:
                    throw Unknown(run[0]);
            }
        }

        private static NotSupportedException Unknown(Operation operation) => new($"A CPU's program has no {operation.GetType().Name} there.");

        /// <summary>What has to be true beside the mode where channels are left out, as the beginning of a condition.</summary>
        protected virtual string IsPredicted => "";

        /// <summary>What a stage does, as a comment.</summary>
        protected abstract string Comment(Stage stage);

        protected virtual void BeginStage(Stage stage)
        {
        }

        protected virtual void EndStage(Stage stage)
        {
        }

        protected abstract void EmitNorm(Norm norm);

        protected abstract void EmitNorm(NormAttended norm);

        protected abstract void EmitRoute(Route route);

        /// <summary>Writes how an input is kept, where <see cref="Kept"/> says.</summary>
        protected abstract void EmitKeep(KeepInput keep);

        /// <summary>Begins what is done where a later layer's policy reads an input.</summary>
        /// <param name="mode">When policies choose, as C#.</param>
        protected CodeWriter.Scope Kept(KeepInput keep, string mode)
        {
            Code.Line($"// {keep.Policy!.Summary}");
            return Code.Block($"if ({mode}{(keep.Policy.Layers.IsEveryLayer ? "" : $" && {keep.Policy.Layers.Condition}")})");
        }

        /// <summary>Observed tokens go one by one.</summary>
        protected virtual void EmitObserve(Observe observe) => throw Unknown(observe);

        protected abstract void EmitAttend(Attend attend);

        protected abstract void EmitProject(Project project);

        protected abstract void EmitFeedForward();

        /// <summary>Writes a layer's neurons to their sum.</summary>
        /// <param name="call">What an operation is, as C#.</param>
        protected void EmitNeurons(Func<Operation, FeedForwardPlan, string, string> call) => decoder._feedForwardCalls.EmitOperations(
            [.. Operations.Where(IsFeedForward)], Ends, call);

        /// <summary>Writes something for each token of the pass.</summary>
        protected abstract void ForTokens(Action emit);

        private void EmitBarrier(bool endsStage)
        {
            if (endsStage)
            {
                Code.Line();
            }

            Code.Line("Workers.Barrier();");
        }

        /// <summary>Writes how far a token looks back, where layers have windows.</summary>
        /// <param name="end">The position after its own.</param>
        protected void EmitWindow(Attend attend, string end)
        {
            if (attend.Windows.Count > 0)
            {
                Code.Line($"int first = Math.Max(0, {end} - {WindowCode.Of(decoder._spec)});");
                Code.Line($"int positions = {end} - first;");
            }
        }

        /// <summary>Writes a query head's attention.</summary>
        /// <param name="positions">How many positions it looks at.</param>
        protected void EmitAttendHead(Attend attend, string positions)
        {
            string first = attend.Windows.Count > 0 ? "first" : "first: 0";
            Code.Line(
                $"{Cache}.Attend(worker, layer, shared, {first}, {positions}, ref Unsafe.Add(ref {Row(Slot.Queries)}, row), AttentionScale, "
                + $"ref Unsafe.Add(ref {Row(Slot.Attended)}, row));");
        }

        /// <summary>Where a slot's row of a token is.</summary>
        protected abstract string Row(Slot slot);

        /// <summary>The cache of the token's sequence.</summary>
        protected virtual string Cache => "_cache";

        /// <summary>The token's position.</summary>
        protected abstract string Position { get; }

        /// <summary>Writes how the heads' input becomes what dot products with a matrix want.</summary>
        protected abstract void EmitHeadInput(Tensor matrix);

        /// <summary>Writes a head's rows of a projection, for all tokens of the pass.</summary>
        /// <param name="project">The projection.</param>
        /// <param name="stride">Elements between two tokens' heads.</param>
        protected abstract void EmitHeadRows(Project project, string stride);

        /// <summary>
        /// A unit of work of the first phase: a query head, a key head or a value head, projected, rotated and cached by one worker.
        /// </summary>
        private void EmitHeads(IReadOnlyList<Operation> operations)
        {
            if (operations.OfType<Project>().First() is { Channels: null } first)
            {
                EmitHeadInput(first.Matrix);
            }

            using (HeadLoop())
            {
                Code.Line("int row = head * HeadDimension;");
                foreach (var head in operations.GroupBy(operation => operation.Writes))
                {
                    string condition = head.Key == Slot.Queries ? "if (head < Heads)"
                        : head.Key == Slot.Keys ? "else if (head < Heads + KeyValueHeads)"
                        : "else";
                    using (Code.Block(condition))
                    {
                        if (head.Key != Slot.Queries)
                        {
                            Code.Line($"row -= {(head.Key == Slot.Keys ? "Heads" : "(Heads + KeyValueHeads)")} * HeadDimension;");
                        }

                        EmitHead(head.First() as Project ?? throw Unknown(head.First()), [.. head.Skip(1)]);
                    }
                }
            }
        }

        /// <summary>Writes a loop over the worker's heads, <c>head</c>.</summary>
        protected virtual IDisposable HeadLoop() => Code.Block("for (int head = fromHead; head < toHead; head++)");

        private void EmitHead(Project project, IReadOnlyList<Operation> rest)
        {
            bool isCached = project.To == Slot.Keys || project.To == Slot.Values;
            EmitHeadRows(project, isCached ? decoder.KeyValueStride : "PaddedQueryWidth");
            if (rest.Count == 0 && !isCached)
            {
                return;
            }

            string row = Row(project.To);
            ForTokens(() =>
            {
                foreach (Operation operation in rest)
                {
                    if (operation is AddCentre centre)
                    {
                        Code.Lines(AddCentre(centre.Matrix, centre.Channels, IsPredicted, row, "row", "row + HeadDimension"));
                        continue;
                    }

                    using (operation is Rotate { Except: { } except } ? Code.Block($"if ({LayerSet.ConditionOf(except, isOne: false)})") : default(CodeWriter.Scope?))
                    {
                        Code.Line(operation switch
                        {
                            AddBias bias => Bias(row, Field(bias.Bias), "row", "row + HeadDimension"),
                            NormHeads norm => $"RmsNorm.ApplyToHead(ref Unsafe.Add(ref {row}, row), ref {First(norm.Weight)}, HeadDimension, NormEpsilon);",
                            Rotate => decoder.Rope($"Unsafe.Add(ref {row}, row)", Position),
                            _ => throw Unknown(operation),
                        });
                    }
                }

                if (isCached)
                {
                    Code.Line($"{Cache}.Store{(project.To == Slot.Keys ? "Key" : "Value")}(layer, row / HeadDimension, {Position}, ref Unsafe.Add(ref {row}, row));");
                }
            });
        }

        private void EmitElementwise(IReadOnlyList<Operation> operations) => ForTokens(() =>
        {
            foreach (Operation operation in operations)
            {
                if (operation is AddCentre centre)
                {
                    Code.Lines(AddCentre(centre.Matrix, centre.Channels, IsPredicted, Row(centre.To), "fromColumn", "Math.Min(toColumn, Hidden)"));
                    continue;
                }

                Code.Line(operation switch
                {
                    AddBias bias => Bias(Row(bias.To), Field(bias.Bias), "fromColumn", "Math.Min(toColumn, Hidden)"),
                    AddResidual => $"Elementwise.Add(ref {Row(Slot.Residual)}, ref {Row(Slot.Projected)}, fromColumn, toColumn);",
                    ICpuOperation own => own.Statement(new(slot => Columns(own, slot), First, "fromColumn", "toColumn")),
                    _ => throw Unknown(operation),
                });
            }
        });

        /// <summary>A row of columns that workers share as they share the residual stream's.</summary>
        private string Columns(ICpuOperation operation, Slot slot) => slot == Slot.Residual || slot == Slot.Projected
            ? Row(slot)
            : throw new NotSupportedException($"{operation.GetType().Name} asks for columns of {slot}: a CPU's program has those of the residual stream, and of what is added.");
    }
}
