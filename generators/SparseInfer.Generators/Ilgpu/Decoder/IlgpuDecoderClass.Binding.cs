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
            _code.Lines("""
                public DeviceMatrix[] Heads = []; // query, key, value: one where they have one type
                public DeviceMatrix Output;
                public DeviceNorm AttentionNorm;
                public DeviceNorm FeedForwardNorm;
                """);
            if (_attention.QueryKeyValueBiases)
            {
                _code.Line("public ArrayView<float> HeadBiases;");
            }

            if (_attention.OutputBias)
            {
                _code.Line("public ArrayView<float> OutputBias;");
            }

            _code.Line(_spec.FeedForward.Gated ? "public DeviceMatrix Gate, Up, Down;" : "public DeviceMatrix Up, Down;");
            if (_spec.FeedForward.Biases)
            {
                _code.Line("public ArrayView<float> DownBias;");
            }

            foreach (IlgpuFeedForwardPlan plan in _feedForwards)
            {
                _code.Line($"public {plan.ClassName}.Weights {FeedForwardField(plan)};");
            }
        }
    }

    private string FeedForwardField(IlgpuFeedForwardPlan plan) => $"FeedForward{plan.Weights}";

    private void EmitBind()
    {
        using (_code.Block("public override void Bind(WeightBinder bind)"))
        {
            Tensor head = _program.Head.Matrix;
            _code.Line("IlgpuUpload upload = Upload(bind);");
            _code.Line($"_embedding = {Matrix(_program.Embed.Table)};");
            _code.Line($"_head = {(_program.IsTied ? "_embedding" : Matrix(head))};");
            _code.Line($"_outputNorm = {Norm(_program.OutputNorm)};");
            _code.Line();
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _layers[layer] = new Layer();");
                EmitBindAttention();
                _code.Line();
                EmitBindFeedForward();
            }
        }
    }

    private string Matrix(Tensor tensor) => $"upload.Matrix({TensorCalls.Bind(tensor)}, {tensor.Rows.Name}, {tensor.Columns!.Name})";

    private string Vector(Tensor tensor) => $"upload.Vector({TensorCalls.Bind(tensor)})";

    private string Norm(Norm norm) => $"upload.Norm({string.Join(", ", norm.Tensors.Select(TensorCalls.Bind))})";

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

    private void EmitBindAttention()
    {
        foreach (Norm norm in _program.Layer.OfType<Norm>().Where(norm => norm.Stage == Stage.Heads))
        {
            _code.Line($"w.{norm.Weight.Field} = {Norm(norm)};");
        }

        EmitStack("Heads", _program.Layer.OfType<Project>().Where(project => project.Stage == Stage.Heads).Select(project => project.Matrix), "], Hidden);");
        foreach (Project project in _program.Layer.OfType<Project>().Where(project => project.Stage == Stage.Output))
        {
            _code.Line($"w.{project.Matrix.Field} = {Matrix(project.Matrix)};");
        }

        Tensor[] biases = [.. _program.Layer.OfType<AddBias>().Where(bias => bias.Stage == Stage.Heads).Select(bias => bias.Bias)];
        if (biases.Length > 0)
        {
            EmitStack("HeadBiases", biases, "]);");
        }

        foreach (AddBias bias in _program.Layer.OfType<AddBias>().Where(bias => bias.Stage == Stage.Output))
        {
            _code.Line($"w.{bias.Bias.Field} = {Vector(bias.Bias)};");
        }

        foreach (Norm norm in _program.Layer.OfType<Norm>().Where(norm => norm.Stage == Stage.FeedForward))
        {
            _code.Line($"w.{norm.Weight.Field} = {Norm(norm)};");
        }
    }

    private void EmitBindFeedForward()
    {
        IReadOnlyList<Tensor> tensors = _program.Layer.FeedForwardTensors();
        if (!Single)
        {
            _code.Line($"WeightType type = {_tensors.BindType()};");
        }

        string type = Single ? $"WeightType.{_spec.Weights[0]}" : "type";
        foreach (Tensor tensor in tensors)
        {
            switch (tensor.Role)
            {
                case TensorRole.Neurons:
                    string signs = string.Concat(SignMatrices.Where(signs => signs.Matrix == tensor.Field).Select(signs =>
                        $", packsSigns: {(signs.Layers.IsEveryLayer ? "true" : signs.Layers.Condition)}, out ArrayView<Words4> {tensor.Variable}Signs"));
                    _code.Line($"w.{tensor.Field} = upload.Matrix({TensorCalls.Bind(tensor)}, Intermediate, Hidden{signs});");
                    break;
                case TensorRole.Down:
                    _code.Line($"w.Down = upload.Down({TensorCalls.Bind(tensor)}, {type}, Hidden, Intermediate);");
                    break;
                case TensorRole.NeuronBias:
                    _code.Line($"ArrayView<float> {tensor.Variable} = {Vector(tensor)};");
                    break;
                default:
                    _code.Line($"w.{tensor.Field} = {Vector(tensor)};");
                    break;
            }
        }

        foreach (IlgpuFeedForwardPlan plan in _feedForwards)
        {
            using (Single ? default(CodeWriter.Scope?) : _code.Block($"if (type == WeightType.{plan.Weights})"))
            {
                using (_code.Block($"w.{FeedForwardField(plan)} = new()", end: "};"))
                {
                    foreach (Tensor matrix in tensors.Where(tensor => tensor.Columns is not null))
                    {
                        _code.Line($"{matrix.Field} = w.{matrix.Field}.Words,");
                        if (plan.Row.IsBlock)
                        {
                            string cast = matrix.Role == TensorRole.Down ? ".Cast<Words4>()" : "";
                            _code.Line($"{matrix.Field}Scales = w.{matrix.Field}.Scales{cast},");
                        }
                    }

                    foreach (var (matrix, _) in SignMatrices)
                    {
                        _code.Line($"{matrix}Signs = {matrix.ToLowerInvariant()}Signs,");
                    }

                    foreach (Tensor bias in tensors.Where(tensor => tensor.Role == TensorRole.NeuronBias))
                    {
                        _code.Line($"{bias.Field} = {bias.Variable},");
                    }
                }
            }
        }
    }

    private IEnumerable<(string Matrix, LayerSet Layers)> SignMatrices => SignReaders.Of(_spec, _feedForwards[0]);
}
