using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>Which tokens policies remember of a sequence, whatever happens to it: those of its prompts, each once.</summary>
public sealed class RememberedPromptsTests
{
    private static readonly StepOptions Step = new(SparsityMode.Predicted, IsPrompt: false, SparsePrompt: false, Metering: true, Timing: false);

    private readonly Memory _state = new();
    private readonly TokenSequence _sequence;

    public RememberedPromptsTests() => _sequence = new TokenSequence(_state, layers: 1, vocabulary: 1);

    [Fact]
    public void Prompts_are_remembered_and_chosen_by_when_a_token_is_decoded()
    {
        Prompt(1, 2, 3);
        _state.Chosen.ShouldBeNull();
        Decode(4);
        _state.Chosen.ShouldBe("1,2,3");
        Decode(5);
        Prompt(6, 7);
        _state.Chosen.ShouldBe("1,2,3");
        Decode(8);
        _state.Chosen.ShouldBe("1,2,3,6,7");
        _state.Choices.ShouldBe(2);
        _state.Counted.ShouldBe(8);
    }

    [Fact]
    public void The_last_token_of_a_prompt_is_run_again_for_its_logits_and_remembered_once()
    {
        Prompt(1, 2, 3);
        Decode(4);
        _sequence.Rewind(3);
        _sequence.IsComputed.ShouldBeFalse();
        _sequence.ComputeNext(Step, []);
        _sequence.IsComputed.ShouldBeTrue();
        _state.Ran.ShouldBe("1,2,3|4|3");
        Decode(5);
        _state.Chosen.ShouldBe("1,2,3");
        _state.Choices.ShouldBe(1);
        _state.Counted.ShouldBe(5);
    }

    [Fact]
    public void What_is_taken_back_into_a_prompt_is_run_again_and_not_metered_again()
    {
        Prompt(1, 2, 3);
        Decode(4);
        Prompt(5, 6);
        Decode(7);
        _sequence.Rewind(5);
        _state.Position.ShouldBe(0);
        _sequence.Position.ShouldBe(5);
        Decode(8);
        _state.Chosen.ShouldBe("1,2,3,5");
        _state.Ran.ShouldBe("1,2,3|4|5,6|7|1,2,3|4|5|8");
        _state.Counted.ShouldBe(8);

        // Behind the last prompt nothing is lost.
        Decode(9);
        _sequence.Rewind(6);
        _state.Position.ShouldBe(6);
    }

    [Fact]
    public void A_prompt_that_fails_is_forgotten_and_what_was_before_it_is_run_again()
    {
        Prompt(1, 2);
        Decode(3);
        _state.FailsAt = 5;
        Should.Throw<InvalidOperationException>(() => Prompt(4, 5));
        _state.Position.ShouldBe(0);
        _sequence.Rewind(3);
        _state.FailsAt = 0;
        Decode(6);
        _state.Chosen.ShouldBe("1,2");
        _state.Counted.ShouldBe(4);
    }

    /// <summary>A step back that fails leaves a state that has its last token in mind: another token in its place is another.</summary>
    [Fact]
    public void A_token_that_could_not_be_run_again_is_not_mistaken_for_what_follows()
    {
        Prompt(1, 2, 3);
        Decode(4);
        _sequence.Rewind(3);
        _state.FailsAt = 3;
        Should.Throw<InvalidOperationException>(() => _sequence.ComputeNext(Step, []));
        _state.FailsAt = 0;
        _sequence.Rewind(2);
        Prompt(9);
        Decode(5);
        _state.Chosen.ShouldBe("1,2,9");
    }

    [Fact]
    public void A_sparse_prompt_is_not_remembered()
    {
        _sequence.Append([1, 2], decoded: false);
        Run(Step with { SparsePrompt = true });
        Decode(3);
        _state.Chosen.ShouldBeNull();
    }

    private void Prompt(params int[] tokens)
    {
        _sequence.Append(tokens, decoded: false);
        Run(Step);
    }

    private void Decode(int token)
    {
        _sequence.Append([token], decoded: true);
        Run(Step);
    }

    private void Run(StepOptions step)
    {
        while (!_sequence.IsComputed)
        {
            _sequence.ComputeNext(step, []);
        }
    }

    private sealed class Program : DecoderProgram
    {
        public override bool RemembersPrompts => true;

        public override IReadOnlyList<DeclaredTensor> Tensors => [];

        public override void Bind(WeightBinder bind)
        {
        }

        public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new Memory();
    }

    /// <summary>Remembers tokens as they are, and chooses all of them.</summary>
    private sealed class Memory : DecoderState
    {
        private readonly Program _program = new();
        private readonly List<int> _remembered = [];
        private readonly List<string> _runs = [];

        public override int Capacity => 32;

        public override ReadOnlySpan<float> LastLogits => new float[1];

        public string? Chosen { get; private set; }

        public int Choices { get; private set; }

        /// <summary>Tokens that were metered.</summary>
        public int Counted { get; private set; }

        /// <summary>A token at which a run fails; 0: at none.</summary>
        public int FailsAt { get; set; }

        public string Ran => string.Join('|', _runs);

        public override void Run(ReadOnlySpan<int> tokens, in StepOptions step, Span<float> allLogits)
        {
            bool remembers = BeginRun(_program, step);
            BeginBatch(tokens.Length, remembers);
            if (tokens.Contains(FailsAt))
            {
                FailBatch();
                throw new InvalidOperationException("Enough.");
            }

            if (IsRemembered)
            {
                _remembered.AddRange(tokens[RememberedFrom..]);
            }

            _runs.Add(string.Join(',', tokens.ToArray()));
            Counted += step.Metering ? tokens.Length : 0;
            EndBatch(tokens.Length);
        }

        public override void RunHidden(ReadOnlySpan<int> tokens, Span<float> hidden) => throw new NotSupportedException();

        public override LayerTally ReadTally(int layer) => default;

        public override void ResetTallies()
        {
        }

        public override void Dispose()
        {
        }

        protected override void ForgetPrompts()
        {
            _remembered.Clear();
            Chosen = null;
        }

        protected override void ChooseByPrompts()
        {
            Chosen = string.Join(',', _remembered);
            Choices++;
        }
    }
}
