using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A layer's weights on the device, and how they come there from a file.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private void EmitLayer()
    {
        using (_code.Block("private sealed class Layer"))
        {
            if (HeadsByChannel)
            {
                EmitFields("DeviceMatrix", Heads);
            }
            else
            {
                _code.Line("public DeviceMatrix[] Heads = []; // query, key, value: one where they have one type");
            }

            EmitFields("DeviceMatrix", Others.Where(tensor => tensor.Columns is not null));
            EmitFields("ArrayView<float>", ChannelVectors);
            EmitFields("DeviceNorm", Norms.Select(norm => norm.Weight));
            if (HeadBiases.Any())
            {
                _code.Line("public ArrayView<float> HeadBiases;");
            }

            if (HeadNormWeights.Any())
            {
                _code.Line($"public ArrayView<float> {HeadNorms}; // of queries, of keys");
            }

            EmitFields("ArrayView<float>", Others.Where(tensor => tensor.Columns is null));
            EmitFields("DeviceMatrix", _tensors.PolicyFields.Where(tensor => tensor.Columns is not null));
            EmitFields("ArrayView<float>", _tensors.PolicyFields.Where(tensor => tensor.Columns is null));
            IReadOnlyList<Tensor> tensors = _program.Layer.FeedForwardTensors();
            _code.Line($"public DeviceMatrix {string.Join(", ", tensors.Where(tensor => tensor.Columns is not null).Select(tensor => tensor.Field))};");
            EmitFields("ArrayView<float>", tensors.Where(tensor =>
                tensor.Role == TensorRole.DownBias || (tensor.Role == TensorRole.NeuronBias && InputChannels.AreOfNeurons(_spec))));
            foreach (IlgpuFeedForwardPlan plan in _feedForwards)
            {
                _code.Line($"public {plan.ClassName}.Weights {FeedForwardField(plan)};");
            }
        }
    }

    private void EmitFields(string type, IEnumerable<Tensor> tensors) => EmitFields(type, tensors.Select(tensor => tensor.Field));

    private void EmitFields(string type, IEnumerable<string> fields)
    {
        foreach (string field in fields)
        {
            _code.Line($"public {type} {field};");
        }
    }

    /// <summary>Query, key and value, which become one matrix on the device.</summary>
    private IEnumerable<Tensor> Heads => _program.Layer.OfType<Project>().Where(IsOfHead).Select(project => project.Matrix);

    private IEnumerable<Tensor> HeadBiases => _program.Layer.OfType<AddBias>().Where(IsOfHead).Select(bias => bias.Bias);

    /// <summary>What a layer calls the weights of its heads' norms.</summary>
    public const string HeadNorms = "HeadNorms";

    private IEnumerable<Tensor> HeadNormWeights => _program.Layer.OfType<NormHeads>().Select(norm => norm.Weight);

    private static bool IsOfHead(Operation operation) => operation is { Unit: WorkUnit.Head };

    /// <summary>None twice: two may have the same weights.</summary>
    private IEnumerable<Norm> Norms => _program.Layer.OfType<Norm>().GroupBy(norm => norm.Weight).Select(norms => norms.First());

    /// <summary>A layer's tensors beside heads, norms and the feed-forward's: matrices, then vectors.</summary>
    private IEnumerable<Tensor> Others => _program.Layer
        .Where(operation => operation is { Policy: null } and not (Norm or Neurons or Down or SumSlices) && !(operation is Project or AddBias or NormHeads && IsOfHead(operation)))
        .SelectMany(operation => operation.Tensors)
        .OrderBy(tensor => tensor.Columns is null);

    private string FeedForwardField(IlgpuFeedForwardPlan plan) => $"FeedForward{plan.Weights}";

    private void EmitBind()
    {
        using (_code.Block("public override void Bind(WeightBinder bind)"))
        {
            Tensor head = _program.Head.Matrix;
            _code.Line("IlgpuUpload upload = Upload(bind);");
            _code.Line($"_embedding = {Matrix(_program.Embed.Table)};");
            foreach (Tensor tensor in AfterEmbed)
            {
                _code.Line($"_{tensor.Variable} = upload.Table({TensorCalls.Bind(tensor)}, {tensor.Rows.Declared}, {tensor.Columns!.Name});");
            }

            _code.Line($"_head = {(_program.IsTied ? "_embedding" : Matrix(head))};");
            foreach (Tensor tensor in Words)
            {
                _code.Line($"_{tensor.Variable} = {Matrix(tensor)};");
            }

            _code.Line($"_outputNorm = {BindNorm(_program.OutputNorm)};");
            _tensors.EmitBindRotary(_code, "2 * RopePairs");
            foreach (Tensor tensor in AfterHead)
            {
                _code.Line($"_{tensor.Variable} = {Vector(tensor)};");
            }

            _code.Line();
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _layers[layer] = new Layer();");
                EmitBindAttention();
                _tensors.EmitBindPolicies(_code, Uploaded);
                _code.Line();
                EmitBindFeedForward();
            }
        }
    }

    private static string Matrix(Tensor tensor) => Uploaded(tensor, TensorCalls.Bind(tensor));

    private static string Vector(Tensor tensor) => Uploaded(tensor, TensorCalls.Bind(tensor));

    private static string Uploaded(Tensor tensor, string bound)
    {
        string each = tensor.Experts is { } experts ? $"{experts.Name}, expert => {bound}" : bound;
        return tensor.Columns is null ? $"upload.Vector({each}{(tensor.Experts is null ? "" : $", {tensor.Rows.Name}")})" : $"upload.Matrix({each}, {tensor.Rows.Name}, {tensor.Columns.Name})";
    }

    private static string BindNorm(Norm norm) => $"upload.Norm({string.Join(", ", norm.Tensors.Select(TensorCalls.Bind))})";

    /// <summary>Writes tensors of several heads that become one on the device.</summary>
    private void EmitStack(string field, IEnumerable<Tensor> tensors, string end)
    {
        using (_code.Block($"w.{field} = upload.Stack(", "[", end))
        {
            foreach (Tensor tensor in tensors)
            {
                _code.Line($"({TensorCalls.Bind(tensor)}, {tensor.Rows.Name}),");
            }
        }
    }

    /// <summary>Norms and matrices, then biases; the norm before the feed-forward last.</summary>
    private void EmitBindAttention()
    {
        EmitBinds(Norms.Where(norm => norm.Stage != Stage.FeedForward).Select(norm => (norm.Weight, BindNorm(norm))));
        if (!HeadsByChannel)
        {
            EmitStack("Heads", Heads, "], Hidden);");
        }

        foreach (ChannelPlan plan in ByChannel.Where(plan => plan.Channels.Use != ChannelUse.FeedForward))
        {
            EmitBindChannels(plan);
        }

        EmitBinds(Others.Where(tensor => tensor.Columns is not null && _plan.ByChannel(tensor) is null).Select(tensor => (tensor, Matrix(tensor))));
        if (HeadBiases.Any())
        {
            EmitStack("HeadBiases", HeadBiases, "]);");
        }

        if (HeadNormWeights.Any())
        {
            EmitStack(HeadNorms, HeadNormWeights, "]);");
        }

        EmitBinds(Others.Where(tensor => tensor.Columns is null).Select(tensor => (tensor, Vector(tensor))));
        EmitBinds(Norms.Where(norm => norm.Stage == Stage.FeedForward).Select(norm => (norm.Weight, BindNorm(norm))));
    }

    private void EmitBinds(IEnumerable<(Tensor Field, string Value)> binds)
    {
        foreach ((Tensor field, string value) in binds)
        {
            _code.Line($"w.{field.Field} = {value};");
        }
    }

    private void EmitBindFeedForward()
    {
        IReadOnlyList<Tensor> tensors = _program.Layer.FeedForwardTensors();
        if (!Single)
        {
            _code.Line($"WeightType type = {TensorCalls.BindType(tensors[0])};");
            _code.Line($"WeightType downType = {TensorCalls.BindTypeOfAll(tensors.Single(tensor => tensor.Role == TensorRole.Down))};");
        }

        foreach (ChannelPlan plan in ByChannel.Where(plan => plan.Channels.Use == ChannelUse.FeedForward))
        {
            EmitBindChannels(plan);
        }

        string type = Single ? $"WeightType.{_spec.FeedForwardTypes[0]}" : "downType";
        foreach (Tensor tensor in tensors.Where(tensor => tensor.Role != TensorRole.Neurons || _plan.ByChannel(tensor) is null))
        {
            switch (tensor.Role)
            {
                case TensorRole.Neurons:
                    string derived = string.Concat(Derived.Where(own => own.Field.Matrix == tensor.Field).OrderBy(own => own.Field.Place)
                        .Select(own => own.Field.Upload(own.Layers.IsEveryLayer ? "true" : own.Layers.Condition)));
                    _code.Line($"w.{tensor.Field} = upload.Matrix({Bound(tensor)}, Intermediate, Hidden{derived});");
                    break;
                case TensorRole.Down when _plan.CentresDown:
                    _code.Line($"var down = new StoredChannels({Bound(tensor)}, {type});");
                    EmitBindCentre(_plan.Channels.Single(plan => plan.IsDown), "down");
                    _code.Line("w.Down = upload.Channels(down, Hidden, Intermediate);");
                    break;
                case TensorRole.Down:
                    _code.Line($"w.Down = upload.Down({Bound(tensor)}, {type}, Hidden, Intermediate);");
                    break;
                case TensorRole.NeuronBias:
                    _code.Line($"ArrayView<float> {tensor.Variable} = {Vector(tensor)};");
                    if (InputChannels.AreOfNeurons(_spec))
                    {
                        _code.Line($"w.{tensor.Field} = {tensor.Variable};");
                    }

                    break;
                default:
                    _code.Line($"w.{tensor.Field} = {Vector(tensor)};");
                    break;
            }
        }

        string? norm = _plan.NormsNeurons && _program.Layer.OfType<NormNeurons>().SingleOrDefault() is { } own ? $"w.{own.Weight.Field}" : null;
        foreach (IlgpuFeedForwardPlan plan in _feedForwards)
        {
            using (Single ? default(CodeWriter.Scope?) : _code.Block($"if (type == WeightType.{plan.Weights})"))
            {
                new FeedForwardCalls(_code, plan).EmitWeights(
                    $"w.{FeedForwardField(plan)}",
                    [.. tensors.Where(tensor => Single || tensor.Role != TensorRole.Down)],
                    matrix => $"w.{matrix.Field}",
                    Derived.Select(own => own.Field),
                    Single ? norm : null);
            }

            if (!Single)
            {
                using (_code.Block($"if (downType == WeightType.{plan.Weights})"))
                {
                    new FeedForwardCalls(_code, plan).EmitDown($"w.{FeedForwardField(plan)}", "w.Down", norm);
                }
            }
        }
    }

    /// <summary>A feed-forward's matrix as it comes from the binder; of experts how each comes, which is asked for one after the other.</summary>
    private static string Bound(Tensor tensor) => tensor.Experts is { } experts ? $"{experts.Name}, expert => {TensorCalls.Bind(tensor)}" : TensorCalls.Bind(tensor);

    private IEnumerable<(DerivedField Field, LayerSet Layers)> Derived => PolicyData.Derived(_spec, _feedForwards[0]);
}
