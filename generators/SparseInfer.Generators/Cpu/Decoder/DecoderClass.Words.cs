using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>The head where a policy chooses words: scores of all, then the rows of those that score high enough.</summary>
internal sealed partial class DecoderClass
{
    private const string WordMethod = "ComputeChosenLogits";

    private static string FactorsOf(Slot factors) => $"Padded{factors.Name}";

    private IEnumerable<(string Name, string Count)> WordBuffers()
    {
        if (_program.Words is { } words)
        {
            yield return ($"_{words.First.To.Variable}", $"(long)rows * {WeightLayout.Pad(words.First.To.Width!.Size)}");
            int inputs = HeadCalls.Inputs.Count();
            yield return ("_wordInputs", $"(long)Workers.Count * {(inputs == 1 ? "" : $"{inputs} * ")}PaddedHidden");
        }
    }

    private WeightCalls HeadCalls => _calls.Of(_program.Head.Matrix);

    private void EmitWordFields()
    {
        if (_program.Words is not null)
        {
            _code.Line("private readonly int[] _candidates; // of each worker and token: how many words of the worker's score high enough");
        }
    }

    private void EmitWordScratch()
    {
        if (_program.Words is not null)
        {
            _code.Line("_candidates = new int[Workers.Count * rows];");
        }
    }

    /// <summary>Writes the call that chooses words, and begins what is done where none are chosen.</summary>
    /// <param name="condition">When they are, as C#.</param>
    /// <param name="first">The first token.</param>
    /// <param name="tokens">The end of the tokens.</param>
    private CodeWriter.Scope? EmitChosenLogits(string condition, string first, string tokens)
    {
        if (_program.Words is null)
        {
            return null;
        }

        using (_code.Block($"if ({condition})"))
        {
            _code.Line($"{WordMethod}<TMeter>(worker, {first}, {tokens});");
        }

        CodeWriter.Scope scope = _code.Block("else");
        using (_code.Block("if (TMeter.IsOn)"))
        {
            _code.Line($"CountWords(worker, {(first == "0" ? tokens : $"{tokens} - {first}")});");
        }

        _code.Line();
        return scope;
    }

    private void EmitWords()
    {
        if (_program.Words is not { } words)
        {
            return;
        }

        string stride = Stride(_program.Head.Matrix);
        Slot factors = words.First.To;
        int rank = factors.Width!.Size;
        string padded = FactorsOf(factors);
        _code.Line();
        _code.Lines($$"""
            /// <summary>Words that a worker takes at a time, in turn with the others: likely ones lie together.</summary>
            private const int BlockWords = {{WordChoice.BlockWords}};
            """);
        _code.Line();
        _code.Summary(
            "Output norm, then logits of the words that score high enough, for tokens from <c>first</c> on; the other words' are minus infinity. Where no word scores "
            + "high enough, all are computed.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block($"private void {WordMethod}<TMeter>(int worker, int first, int tokens)\n    where TMeter : struct, IMeter"))
        {
            EmitOutputNorm();
            if (_program.IsObserved)
            {
                using (_code.Block(Observed))
                {
                    _code.Line(Shown("LayerCount", ObservedActivation.Final, "Normed(first)", "Hidden"));
                }
            }

            _code.Line();
            _code.Line($"// {words.Summary} Scores are where the logits go.");
            _code.Line($"const float Threshold = {words.Threshold};");
            _code.Line($"const int {padded} = {WeightLayout.Pad(rank)}; // {factors.Width.Declared}, padded");
            _code.Line("int count = tokens - first;");
            _code.Line("Span<float> panel = Panel(worker);");
            _code.Line($"ref float factors = ref _{factors.Variable}.Ref<float>();");
            _code.Line($"(int fromFactor, int toFactor) = WorkerGroup.Slice({rank}, Workers.Count, worker, 4);");
            _code.Line(_calls.Of(words.First.Matrix).MultiplyBatch(
                Field(words.First.Matrix), "fromFactor", "toFactor", "PaddedHidden", Input("Normed(first)", "InputWidth", "count"), $"ref factors, {padded}"));
            _code.Line("Workers.Barrier();");
            _code.Line("(int fromWord, int toWord) = WorkerGroup.Slice(Vocabulary, Workers.Count, worker, 4);");
            _code.Line(_calls.Of(words.Second.Matrix).MultiplyBatch(
                Field(words.Second.Matrix), "fromWord", "toWord", padded, Input("factors", padded, "count"), "ref Logits, Vocabulary"));
            using (_code.Block("for (int i = 0; i < count; i++)"))
            {
                _code.Line("_candidates[(i * Workers.Count) + worker] = WordChoice.Count(ref LogitsOf(i), fromWord, toWord, Threshold);");
            }

            _code.Line();
            _code.Line("Workers.Barrier();");
            EmitWordMeter(words);
            _code.Line();
            _code.Line("// The head: a block of words for all tokens before the next, so that they share the rows that several want.");
            foreach ((string input, int index) in HeadCalls.Inputs.Select((input, index) => (input, index)))
            {
                string place = index == 0 ? "worker" : $"(({index} * Workers.Count) + worker)";
                _code.Line($"ref float {input} = ref Unsafe.Add(ref _wordInputs.Ref<float>(), {place} * (nint)PaddedHidden);");
            }

            HeadCalls.EmitUndo(_code);
            _code.Line("int ready = -1; // the token whose input is prepared: of one alone, once for all blocks");
            _code.Line("Span<int> listed = stackalloc int[BlockWords + 3];");
            using (_code.Block("for (int block = worker * BlockWords; block < Vocabulary; block += Workers.Count * BlockWords)"))
            {
                _code.Line("int end = Math.Min(block + BlockWords, Vocabulary);");
                using (_code.Block("for (int i = 0; i < count; i++)"))
                {
                    _code.Line("ref float logits = ref LogitsOf(i);");
                    using (_code.Block("if (ready != i)"))
                    {
                        HeadCalls.EmitPrepare(_code, "undo", "Normed(first + i)", "PaddedHidden");
                        _code.Line("ready = i;");
                    }

                    _code.Line();
                    using (_code.Block("if (HasCandidates(i))"))
                    {
                        _code.Line("int chosen = WordChoice.List(ref logits, block, end, Threshold, listed);");
                        _code.Line(HeadCalls.MultiplyListed(Field(_program.Head.Matrix), "listed", "chosen", "PaddedHidden", "logits"));
                        EmitCount("chosen");
                    }

                    using (_code.Block("else"))
                    {
                        _code.Line(HeadCalls.Multiply(Field(_program.Head.Matrix), "block", "end", "PaddedHidden", "logits"));
                        EmitCount("end - block");
                    }

                    EmitAfterHead("logits", "block", "end");
                }
            }
        }

        _code.Line();
        _code.Lines($$"""
            /// <summary>The logits of the i-th token that has any.</summary>
            private ref float LogitsOf(int i) => ref Unsafe.Add(ref Logits, i * (nint)Vocabulary);

            /// <summary>Whether any word of the i-th token scores high enough.</summary>
            private bool HasCandidates(int i) => _candidates.AsSpan(i * Workers.Count, Workers.Count).ContainsAnyExcept(0);

            /// <summary>Counts this worker's words of tokens that have every logit.</summary>
            private void CountWords(int worker, int count)
            {
                (int from, int to) = WorkerGroup.Slice(Vocabulary, Workers.Count, worker, 4);
                Tally(worker, LayerCount).Neurons += (long)count * (to - from);
                Tally(worker, LayerCount).Bytes += (long)count * (to - from) * {{stride}};
            }
            """);

        void EmitCount(string chosen)
        {
            using (_code.Block("if (TMeter.IsOn)"))
            {
                _code.Line("ref LayerTally tally = ref Tally(worker, LayerCount);");
                _code.Line("tally.Neurons += end - block;");
                if (chosen == "chosen")
                {
                    _code.Line("tally.Predicted += end - block - chosen;");
                }

                _code.Line($"tally.Bytes += {(chosen == "chosen" ? chosen : "(" + chosen + ")")} * {stride};");
            }
        }
    }

    /// <summary>Counts what a worker reads of the predictor's matrices.</summary>
    private void EmitWordMeter(Program.WordChoice words)
    {
        using (_code.Block("if (TMeter.IsOn)"))
        {
            _code.Line("ref LayerTally tally = ref Tally(worker, LayerCount);");
            _code.Line($"tally.Bytes += count * (toFactor - fromFactor) * {Stride(words.First.Matrix)};");
            _code.Line($"tally.Bytes += count * (toWord - fromWord) * {Stride(words.Second.Matrix)};");
        }
    }

    private string Stride(Tensor matrix) => _calls.Of(matrix).Single ? $"{Field(matrix)}.Stride" : $"{Field(matrix)}.Weights.Stride";
}
