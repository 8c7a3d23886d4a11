using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What a session launches for a batch of prompt tokens.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private void EmitPrompt()
    {
        _code.Summary("A batch of prompt tokens: matrix products in tiles.");
        using (_code.Block("protected override void Prompt()"))
        {
            _code.Line("int start = Position;");
            _code.Line("int tokens = TokenCount;");
            _code.Line("Embed(tokens);");
            _code.Line("Norm(_program._layers[0].AttentionNorm, tokens);");
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                EmitSplit("_normed", "HiddenQuads", "tokens");
                using (_code.Block("foreach (DeviceMatrix heads in w.Heads)"))
                {
                    _code.Line("Product(heads, _normed, tokens, _products, QueryWidth + (2 * KeyValueWidth));");
                }

                _code.Line();
                int units = (_attention.Heads + (2 * _attention.KeyValueHeads)) * _plan.HeadPairs;
                int threads = FeedForwardIlgpuClass.BatchThreads;
                _code.Line($"_program._rotateBatch({Config($"{(units + threads - 1) / threads}", "tokens", "1", $"{threads}")}, _products, Views(layer), "
                    + "start, Halves);");
                _code.Line("Attend(layer, start, tokens);");
                EmitSplit("_attended", "QueryQuads", "tokens");
                _code.Line("Product(w.Output, _attended, tokens, _projected.Cast<float>(), 4 * HiddenQuads);");
                if (_attention.OutputBias)
                {
                    EmitAddBias("tokens", "w.OutputBias");
                }

                _code.Line("AddNorm(w.FeedForwardNorm, tokens);");
                using (_code.Block("if (PromptIsDense)"))
                {
                    EmitDensePrompt();
                }

                using (_code.Block("else"))
                {
                    EmitSparsePrompt();
                    _code.Line();
                    _code.Line("Norm(_program.NormAfter(layer), tokens);");
                }
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom == tokens - 1)"))
            {
                _code.Line("LogitsOf(LogitsFrom);");
            }

            using (_code.Block("else if (LogitsFrom < tokens)"))
            {
                _code.Line("int count = tokens - LogitsFrom;");
                _code.Line("ArrayView<Float4> last = _normed.SubView(LogitsFrom * HiddenQuads, count * HiddenQuads);");
                EmitSplit("last", "HiddenQuads", "count");
                _code.Line("Product(_program._head, last, count, Logits, Vocabulary);");
                _code.Line($"_program._argMax({Config("1", $"{ArgMaxKernel.Threads}")}, Logits.SubView((long)(count - 1) * Vocabulary, Vocabulary), Vocabulary, Greedy);");
            }
        }
    }

    /// <summary>Writes what tokens do that skip neurons each of their own: a few share what they read. Meters count the rows of one.</summary>
    private void EmitSparsePrompt()
    {
        if (_plan.SkipsTogether)
        {
            using (_code.Block("if (SkipsTogether)"))
            {
                EmitSparseTogether();
            }

            using (_code.Block("else"))
            {
                EmitOneByOne();
            }
        }
        else
        {
            EmitOneByOne();
        }

        void EmitOneByOne()
        {
            using (_code.Block("for (int i = 0; i < tokens; i++)"))
            {
                _code.Line("FeedForward(layer, w, i);");
            }
        }
    }

    private void EmitSparseTogether()
    {
        bool isOnce = _plan.Batch <= TogetherPlan.Tokens;
        string Part(string view, string stride) => isOnce ? view : $"{view}.SubView(i * {stride}, count * {stride})";
        using (isOnce ? default(CodeWriter.Scope?) : _code.Block("for (int i = 0; i < tokens; i += TogetherTokens)"))
        {
            if (!isOnce)
            {
                _code.Line("int count = Math.Min(TogetherTokens, tokens - i);");
            }

            string signs = _packsSigns ? Part("_signs", $"{_plan.SignWords}") + ", " : "";
            _code.Line($"_program.FeedForwardTogether(Mode, layer, w, {Part("_normed", "HiddenQuads")}, {signs}{Part("_x", "HiddenQuads")}, "
                + $"{(isOnce ? "tokens" : "count")}, _activated.Cast<float>(), _partial.View);");
        }
    }

    private void EmitDensePrompt()
    {
        string first = _feedForwards[0].Shape.First;
        const string Stride = "4 * IntermediateQuads";
        EmitSplit("_normed", "HiddenQuads", "tokens");
        _code.Line($"Product(w.{first}, _normed, tokens, _activated.Cast<float>(), {Stride});");
        if (_spec.FeedForward.Gated)
        {
            _code.Line($"Product(w.Up, _normed, tokens, _other.Cast<float>(), {Stride});");
        }

        string other = _spec.FeedForward.Gated ? "_other" : "_activated";
        int threads = FeedForwardIlgpuClass.BatchThreads;
        ForType("w.Down", type =>
        {
            IlgpuFeedForwardPlan plan = _feedForwards.First(candidate => candidate.Weights == type);
            string activate = Config($"{(_spec.FeedForward.Intermediate + threads - 1) / threads}", "tokens", "1", $"{threads}");
            _code.Line($"_program._feedForward{type}.ActivateBatch({activate}, w.{FeedForwardField(plan)}, _activated.Cast<float>(), {other}.Cast<float>());");
            if (Format.Of(type).IsTensorCoreOperand && _plan.HasMatrixKernels)
            {
                using (_code.Block("if (UsesTensorCores)"))
                {
                    EmitSplit("_activated", "IntermediateQuads", "tokens");
                    MatrixTile matrix = _plan.MatrixTile;
                    string groups = $"{(_spec.Hidden + matrix.Rows - 1) / matrix.Rows}";
                    _code.Line($"_program._matrixDownF16!({Config(groups, MatrixTiles("tokens"), "1", $"{matrix.Threads}")}, w.Down.Words, _halves, _halfScales, "
                        + "tokens, _projected.Cast<float>());");
                    if (_spec.FeedForward.Biases)
                    {
                        EmitAddBias("tokens", "w.DownBias");
                    }
                }

                using (_code.Block("else"))
                {
                    EmitDown(type, plan);
                }

                return;
            }

            EmitDown(type, plan);
        });
        _code.Line("AddNorm(_program.NormAfter(layer), tokens);");

        void EmitDown(WeightType type, IlgpuFeedForwardPlan plan)
        {
            int tiles = (_spec.Hidden + _plan.ProductTile.Rows - 1) / _plan.ProductTile.Rows;
            string bias = _spec.FeedForward.Biases ? "w.DownBias.Cast<Float4>(), " : "";
            string down = plan.Row.IsBlock ? "w.Down.Words, w.Down.Scales.Cast<Words4>()" : "w.Down.Words";
            _code.Line($"_program._productDown{type}({Config($"{tiles}", Tiles("tokens"), "1", $"{_plan.ProductTile.Threads}")}, {down}, "
                + $"_activated, tokens, {bias}_projected);");
        }
    }

    private void EmitAddBias(string tokens, string bias)
    {
        const int Threads = FeedForwardIlgpuClass.BatchThreads;
        string groups = $"{(_plan.HiddenQuads + Threads - 1) / Threads}";
        _code.Line($"_program._addBias({Config(groups, tokens, "1", $"{Threads}")}, _projected, {bias}.Cast<Float4>());");
    }

    /// <summary>Writes the launch that splits the inputs of the products that follow, for a program that may have tensor cores.</summary>
    private void EmitSplit(string input, string quads, string tokens)
    {
        if (_plan.HasMatrixKernels)
        {
            _code.Line($"Split({input}, {quads} / 2, {tokens});");
        }
    }

    private string MatrixTiles(string tokens) => $"({tokens} + {_plan.MatrixTile.Tokens - 1}) / {_plan.MatrixTile.Tokens}";

    private string Tiles(string tokens) => $"({tokens} + {_plan.ProductTile.Tokens - 1}) / {_plan.ProductTile.Tokens}";

    /// <summary>Writes a call for the width of <c>w</c>: straight, where all matrices have one.</summary>
    private void ForWidth(Action<int> emit)
    {
        int hidden = _plan.Shape.PaddedHidden;
        int query = _plan.Shape.PaddedQueryWidth;
        if (hidden == query)
        {
            emit(hidden);
            return;
        }

        using (_code.Block("if (w.Columns == Hidden)"))
        {
            emit(hidden);
        }

        using (_code.Block("else"))
        {
            emit(query);
        }
    }

    private void EmitProduct()
    {
        using (_code.Block(
            "private void Product(DeviceMatrix w, ArrayView<Float4> x, int tokens, ArrayView<float> y, int stride)"))
        {
            _code.Line($"int tiles = (w.Rows + {_plan.ProductTile.Rows - 1}) / {_plan.ProductTile.Rows};");
            _code.Line($"var config = {Config("tiles", Tiles("tokens"), "1", $"{_plan.ProductTile.Threads}")};");
            ForType("w", type =>
            {
                void Plain(int width) => _code.Line(
                    $"_program._product{type}x{width}(config, {Words("w", type)}, x, tokens, w.Rows, w.FirstRow, y, stride);");
                if (Format.Of(type).IsTensorCoreOperand && _plan.HasMatrixKernels)
                {
                    using (_code.Block("if (UsesTensorCores)"))
                    {
                        MatrixTile tile = _plan.MatrixTile;
                        string groups = $"(w.Rows + {tile.Rows - 1}) / {tile.Rows}";
                        _code.Line($"var matrix = {Config(groups, MatrixTiles("tokens"), "1", $"{tile.Threads}")};");
                        ForWidth(width => _code.Line(
                            $"_program._matrixF16x{width}!(matrix, w.Words, _halves, _halfScales, tokens, w.Rows, w.FirstRow, y, stride);"));
                    }

                    using (_code.Block("else"))
                    {
                        ForWidth(Plain);
                    }

                    return;
                }

                ForWidth(Plain);
            });
        }

        if (!_plan.HasMatrixKernels)
        {
            return;
        }

        _code.Line();
        _code.Line("private bool UsesTensorCores => _program._splitInputs is not null;");
        _code.Line();
        _code.Summary("Splits the inputs of the products that follow, where they run on tensor cores.");
        using (_code.Block("private void Split(ArrayView<Float4> x, int words, int tokens)"))
        {
            using (_code.Block("if (UsesTensorCores)"))
            {
                _code.Line($"_program._splitInputs!({Config("tokens", $"{MatrixKernels.SplitThreads}")}, x, words, _halves, _halfScales);");
            }
        }
    }
}
