using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What a session launches for one token, and for a token and a prompt alike.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private static string Config(string x, string threads) => $"new KernelConfig({x}, {threads})";

    private static string Config(string x, string y, string z, string threads) =>
        $"new KernelConfig(new Index3D({x}, {y}, {z}), new Index3D({threads}, 1, 1))";

    /// <summary>Writes a call for the matrix's type: straight, where the model declares one.</summary>
    private void ForType(string matrix, Action<WeightType> emit)
    {
        if (Single)
        {
            emit(_spec.Weights[0]);
            return;
        }

        using (_code.Block($"switch ({matrix}.Type)"))
        {
            foreach (WeightType type in _spec.Weights)
            {
                _code.Line(type.Equals(_spec.Weights[_spec.Weights.Count - 1]) ? "default:" : $"case WeightType.{type}:");
                using (_code.Indent())
                {
                    emit(type);
                    _code.Line("break;");
                }
            }
        }
    }

    private static string Words(string matrix, WeightType type) =>
        Format.HasBlocks(type) ? $"{matrix}.Words, {matrix}.Scales" : $"{matrix}.Words";

    /// <summary>What a norm multiplies with and adds.</summary>
    private string NormOf(string norm) => LayerNorm ? $"{norm}.Weight, {norm}.Bias" : $"{norm}.Weight";

    private void EmitDecode()
    {
        _code.Summary("One token.");
        using (_code.Block("protected override void Decode()"))
        {
            _code.Line("int position = Position;");
            _code.Line("Embed(1);");
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                if (!_plan.HeadsNormalise)
                {
                    _code.Line("Norm(w.AttentionNorm, 1);");
                }

                using (_code.Block("foreach (DeviceMatrix heads in w.Heads)"))
                {
                    _code.Line("int firstHead = heads.FirstRow / HeadDimension;");
                    _code.Line("int count = heads.Rows / HeadDimension;");
                    int perGroup = IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp;
                    string input = _plan.HeadsNormalise ? $"_x, {NormOf("w.AttentionNorm")}" : "_normed";
                    _code.Line($"int groups = ((count * {_plan.HeadPairs}) + {perGroup - 1}) / {perGroup};");
                    ForType("heads", type => _code.Line(
                        $"_program._heads{type}({Config("groups", $"{IlgpuDecoderPlan.RowThreads}")}, {Words("heads", type)}, {input}, Views(layer), "
                        + "firstHead, count, position, Halves);"));
                }

                _code.Line();
                _code.Line("Attend(layer, position, 1);");
                string rows = Groups("Hidden");
                ForType("w.Output", type =>
                {
                    string outputBias = _attention.OutputBias ? "w.OutputBias, " : "";
                    _code.Line($"_program._project{type}({Config(rows, $"{IlgpuDecoderPlan.RowThreads}")}, {Words("w.Output", type)}, _attended, {outputBias}"
                        + "Hidden, _projected.Cast<float>());");
                });
                _code.Line("AddNorm(w.FeedForwardNorm, 1);");
                _code.Line("FeedForward(layer, w, 0);");
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom == 0)"))
            {
                _code.Line("Norm(_program._outputNorm, 1);");
                _code.Line("LogitsOf(0);");
            }
        }
    }

    private static string Groups(string rows)
    {
        int perGroup = IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp;
        return $"({rows} + {perGroup - 1}) / {perGroup}";
    }

    private void EmitEmbed()
    {
        using (_code.Block("private void Embed(int tokens)"))
        {
            ForType("_program._embedding", type => _code.Line(
                $"_program._embed{type}({Config("tokens", $"{IlgpuDecoderPlan.RowThreads}")}, {Words("_program._embedding", type)}, Tokens, _x);"));
        }
    }

    private void EmitAttend()
    {
        using (_code.Block("private void Attend(int layer, int start, int tokens)"))
        {
            _code.Line($"int splits = {SplitsOf("start + tokens")};");
            string threads = $"{IlgpuDecoderPlan.AttentionThreads}";
            _code.Line($"var config = {Config("Heads", "splits", "tokens", threads)};");
            EmitForCache("_cache", type => _code.Line(
                $"_program._attendPart{type}(config, _queries, _cache.View(layer), start, _parts.View, _most.View, _weight.View);"));
            _code.Line($"_program._attendJoin({Config("Heads", "tokens", "1", threads)}, _parts.View.Cast<float>(), _most.View, _weight.View, start, splits, "
                + "_attended.Cast<float>());");
        }
    }

    /// <summary>Writes a call for the type of a cache.</summary>
    private void EmitForCache(string cache, Action<WeightType> emit)
    {
        using (_code.Block($"if ({cache}.Type == KeyValueType.{CachePlan.Types[0]})"))
        {
            emit(CachePlan.Types[0]);
        }

        using (_code.Block("else"))
        {
            emit(CachePlan.Types[1]);
        }

        _code.Line();
    }

    private void EmitAddNorm()
    {
        using (_code.Block("private void AddNorm(DeviceNorm norm, int tokens)"))
        {
            string signs = _packsSigns ? ", _signs.Cast<uint>()" : "";
            _code.Line($"_program._addNorm({Config("tokens", "NormThreads")}, _projected, _x, {NormOf("norm")}, _normed{signs});");
        }

        _code.Line();
        using (_code.Block("private void Norm(DeviceNorm norm, int tokens)"))
        {
            _code.Line($"_program._norm({Config("tokens", "NormThreads")}, _x, {NormOf("norm")}, _normed);");
        }
    }

    private void EmitFeedForward()
    {
        _code.Summary("The feed-forward of one token of the batch: two launches.");
        using (_code.Block("private void FeedForward(int layer, Layer w, int row)"))
        {
            string signs = _packsSigns ? $", _signs.SubView(row * {_plan.SignWords}, {_plan.SignWords})" : "";
            _code.Line("ArrayView<Float4> input = _normed.SubView(row * HiddenQuads, HiddenQuads);");
            _code.Line("ArrayView<Float4> residual = _x.SubView(row * HiddenQuads, HiddenQuads);");
            ForType("w.Down", type =>
            {
                IlgpuFeedForwardPlan plan = _feedForwards.First(candidate => candidate.Weights == type);
                _code.Line($"Activate(layer, w.{FeedForwardField(plan)}, input{signs});");
                string bias = _spec.FeedForward.Biases ? "w.DownBias.Cast<Float4>(), " : "";
                string join = Config($"{JoinKernel.Groups(plan)}", $"{JoinKernel.Threads(plan)}");
                _code.Line($"_program._join{type}({join}, _partial.View, {bias}residual);");
            });
        }
    }

    private void EmitPolicies(IlgpuFeedForwardPlan plan)
    {
        _code.Summary("Predict, gate, up and down, as the mode and the layer's policy have it.");
        string signs = _packsSigns ? ", ArrayView<Words4> signs" : "";
        using (_code.Block($"private void Activate(int layer, {plan.ClassName}.Weights w, ArrayView<Float4> x{signs})"))
        {
            _code.Line($"var config = new KernelConfig({plan.ClassName}.Slices, {plan.ClassName}.Threads);");
            _code.Line($"{plan.ClassName}.Kernels kernels = _program._feedForward{plan.Weights};");
            PolicySwitch.Emit(_code, plan.Shape, _spec.Policies, policy => IlgpuCall.Of(plan, policy, "x", "signs", "_partial.View", "Counts(layer)", "layer, "));
        }
    }

    private void EmitLogits()
    {
        _code.Summary("Logits of one token of the batch, and the largest of them.");
        using (_code.Block("private void LogitsOf(int row)"))
        {
            string input = "_normed.SubView(row * HiddenQuads, HiddenQuads)";
            ForType("_program._head", type => _code.Line(
                $"_program._head{type}({Config(Groups("Vocabulary"), $"{IlgpuDecoderPlan.RowThreads}")}, {Words("_program._head", type)}, {input}, "
                + "Vocabulary, Logits);"));
            _code.Line($"_program._argMax({Config("1", $"{ArgMaxKernel.Threads}")}, Logits.SubView(0, Vocabulary), Vocabulary, Greedy);");
        }
    }
}
