using System.Globalization;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Synthetic;

/// <summary>
/// Builds a model of a declared shape in memory, whose true and predicted sparsity are what was asked for, for every token and in every
/// layer, computed by the real kernels from real weights. docs/bench.md has the construction.
/// </summary>
internal sealed unsafe class SyntheticModel
{
    private const int RowsAtOnce = 64;

    private readonly ModelDeclaration _model;
    private readonly ActivityTarget _target;
    private readonly ulong _seed;
    private readonly WeightType _type;
    private readonly WeightWriter _writer;
    private readonly SignPatterns _patterns;
    private readonly Action<long, long> _progress;
    private readonly CancellationToken _cancel;
    private readonly bool _prepared;
    private readonly long _total;
    private readonly List<TensorInMemory> _tensors = [];
    private long _done;
    private int _stream;

    private SyntheticModel(
        ModelDeclaration model, ActivityTarget target, ulong seed, Action<long, long> progress, bool prepared, CancellationToken cancellationToken)
    {
        _model = model;
        _target = target;
        _seed = seed;
        _type = model.Weights[0];
        _writer = WeightWriter.For(_type);
        _patterns = new SignPatterns(model.Hidden, seed);
        _progress = progress;
        _prepared = prepared;
        _cancel = cancellationToken;
        _total = ByteCount(model);
    }

    /// <summary>Bytes of all weights: what has to fit in memory.</summary>
    public static long ByteCount(ModelDeclaration model)
    {
        WeightWriter writer = WeightWriter.For(model.Weights[0]);
        long hidden = writer.RowBytes(model.Hidden);
        long attention = ((model.QueryWidth + (2L * model.KeyValueWidth)) * hidden) + (model.Hidden * writer.RowBytes(model.QueryWidth));
        long feedForward = (Math.Max(1, model.Experts) * model.Intermediate * (model.Gated ? 3L : 2L) * hidden) + ((long)model.Experts * model.Hidden * sizeof(float));
        long policies = PolicyTensor.Of(model).Sum(tensor => tensor.Columns == 0 ? 0 : tensor.AllRows * writer.RowBytes(tensor.Columns));
        return (model.Layers * (attention + feedForward)) + (((model.Vocabulary * (model.TiedEmbedding ? 1L : 2L)) + model.PositionRows) * hidden) + policies;
    }

    /// <summary>Makes the weights.</summary>
    /// <param name="model">The shape; its first weight type is used.</param>
    /// <param name="target">What tokens shall find.</param>
    /// <param name="seed">The same seed makes the same weights.</param>
    /// <param name="progress">Told the bytes made and the bytes to make.</param>
    /// <param name="cancellationToken">Ends it; what was made is freed.</param>
    /// <param name="prepared">Whether down matrices are neuron-major, as in a prepared file; else they are as in any model's file.</param>
    /// <exception cref="CliException">The shape or the target admits no such weights.</exception>
    public static ModelFile Build(
        ModelDeclaration model, ActivityTarget target, ulong seed, Action<long, long> progress, CancellationToken cancellationToken, bool prepared = true)
    {
        Validate(model, target);
        var builder = new SyntheticModel(model, target, seed, progress, prepared, cancellationToken);
        try
        {
            builder.MakeAll();
            var metadata = new GgufWriter();
            if (prepared)
            {
                metadata.Add(PreparedTensors.LayoutKey, PreparedTensors.Layout);
            }

            string name = $"synthetic {model.Name}";
            return ModelFile.FromMemory(name, metadata.ToMetadata(name), builder._tensors);
        }
        catch
        {
            builder._tensors.ForEach(tensor => tensor.Bytes.Dispose());
            throw;
        }
    }

    private static void Validate(ModelDeclaration model, ActivityTarget target)
    {
        target.Validate();
        if (!model.HasZeros)
        {
            throw new CliException($"{model.Activation} has no zeros: synthetic sparsity needs relu, fatrelu, drelu or squared-relu.");
        }

        int[] widths = [model.Hidden, model.QueryWidth, model.Intermediate, .. PolicyTensor.Of(model).Select(tensor => tensor.Columns)];
        if (widths.Any(width => width % 32 != 0))
        {
            throw new CliException("synthetic weights need widths that are multiples of 32; so are ranks.");
        }

        // A matched neuron's gate comes out at about this; a contrary one's is somewhat less.
        double gate = model.Hidden / (double)SignPatterns.Groups * WeightWriter.Small;
        if (model.Threshold > gate / 3)
        {
            throw new CliException(string.Create(
                CultureInfo.InvariantCulture,
                $"--threshold {model.Threshold} is too high: synthetic gates of this width come out at about {gate:0.##}."));
        }
    }

    private void MakeAll()
    {
        int exponent = WeightWriter.ExponentFor(_model.EmbeddingScale);
        Matrix("token_embd.weight", _model.Vocabulary, _model.Hidden, (row, token) => Embedding(row, token, exponent));
        if (_model.PositionRows > 0)
        {
            RandomMatrix("position_embd.weight", _model.PositionRows, _model.Hidden);
        }

        if (!_model.TiedEmbedding)
        {
            RandomMatrix("output.weight", _model.Vocabulary, _model.Hidden);
        }

        Norm("output_norm");
        for (int layer = 0; layer < _model.Layers; layer++)
        {
            string block = $"blk.{layer}.";
            Norm(block + "attn_norm");
            Norm(block + "ffn_norm");
            Projection(block + "attn_q", _model.QueryWidth, _model.QueryKeyValueBiases);
            Projection(block + "attn_k", _model.KeyValueWidth, _model.QueryKeyValueBiases);
            Projection(block + "attn_v", _model.KeyValueWidth, _model.QueryKeyValueBiases);
            RandomMatrix(block + "attn_output.weight", _model.Hidden, _model.QueryWidth);
            Bias(block + "attn_output", _model.Hidden, _model.OutputBias);
            FeedForward(block, layer);
        }

        OfPolicies();
    }

    /// <summary>Random predictors, of scores as often below zero as above. Biases and thresholds are zero.</summary>
    private void OfPolicies()
    {
        foreach (PolicyTensor tensor in PolicyTensor.Of(_model))
        {
            if (tensor.Columns > 0)
            {
                Fill(tensor.Name, TensorType.Of(_type), tensor.Shape, tensor.AllRows, _writer.RowBytes(tensor.Columns), RandomRow(_stream));
            }
            else
            {
                Vector(tensor.Name, tensor.AllRows, static (_, _) => 0f, tensor.Shape);
            }
        }
    }

    private void FeedForward(string block, int layer)
    {
        bool dRelu = _model.Activation == Activation.DRelu;
        string suffix = "";
        if (_model.Experts > 0)
        {
            suffix = "_exps";
            Router(block + "ffn_gate_inp.weight");
        }

        Deciding(block + (_model.Gated ? "ffn_gate" : "ffn_up") + suffix, layer, second: false);
        if (_model.Gated && dRelu)
        {
            Deciding(block + "ffn_up" + suffix, layer, second: true);
        }
        else if (_model.Gated)
        {
            Neurons(block + "ffn_up" + suffix, RandomRow(_stream));
        }

        Bias(block + "ffn_down", _model.Hidden, _model.FeedForwardBiases);
        if (_prepared)
        {
            Down(block + "ffn_down" + suffix + ".weight");
        }
        else
        {
            string name = block + "ffn_down" + suffix + ".weight";
            Fill(name, TensorType.Of(_type), OfExperts([_model.Hidden, _model.Intermediate]), Copies * _model.Hidden, _writer.RowBytes(_model.Intermediate), RandomRow(_stream));
        }
    }

    /// <summary>Any experts will do: all have what was asked for.</summary>
    private void Router(string name)
    {
        Vector(name, _model.Experts * _model.Hidden, (seed, i) => (float)(new SplitMix64(seed, -5 - _stream, i).NextUnit() - 0.5), [_model.Experts, _model.Hidden]);
        _done += (long)_model.Experts * _model.Hidden * sizeof(float);
    }

    /// <summary>A matrix with a row a neuron, of all experts where there are any.</summary>
    private void Neurons(string name, RowWriter write)
    {
        Fill(name + ".weight", TensorType.Of(_type), OfExperts([_model.Intermediate, _model.Hidden]), Copies * _model.Intermediate, _writer.RowBytes(_model.Hidden), write);
        Bias(name, _model.Intermediate, _model.FeedForwardBiases);
    }

    /// <summary>Feed-forwards of a layer.</summary>
    private int Copies => Math.Max(1, _model.Experts);

    private long[] OfExperts(long[] shape) => _model.Experts > 0 ? [_model.Experts, .. shape] : shape;

    /// <summary>A matrix whose products with the input decide which neurons are active, and whose signs which are predicted.</summary>
    private void Deciding(string name, int layer, bool second)
    {
        int stream = _stream;
        Neurons(name, (row, neuron) => DecidingRow(row, layer, stream, neuron, second));
    }

    private void DecidingRow(Span<byte> row, int layer, int stream, int neuron, bool second)
    {
        // What the neuron does is drawn from a stream that dReLU's two matrices share.
        var fate = new SplitMix64(_seed, int.MinValue + layer, neuron);
        int inactive = 0;
        int predicted = 0;
        for (int group = 0; group < SignPatterns.Groups; group++)
        {
            (bool truth, bool prediction) = DrawFactor(ref fate, second);
            inactive |= truth ? 1 << group : 0;
            predicted |= prediction ? 1 << group : 0;
        }

        var random = new SplitMix64(_seed, stream, neuron);
        int turn = 0;
        for (int run = 0; run < _patterns.Runs; run++)
        {
            if (run % SignPatterns.Groups == 0)
            {
                turn = (int)(random.Next() >>> 61);
            }

            // Eight runs serve the eight groups, one each, in an order of the row's own.
            int group = (run % SignPatterns.Groups) ^ turn;
            ulong bits = random.Next();
            int signs = _patterns.Signs(run, group) ^ (((predicted >> group) & 1) != 0 ? 0xFFFF : 0);
            int large = 0;
            if ((((inactive ^ predicted) >> group) & 1) != 0)
            {
                large = SignPatterns.ContraryColumns(neuron + (run / SignPatterns.Groups));
                signs ^= large;
            }

            _writer.Gate(row, run, signs, large, (uint)bits);
        }
    }

    private (bool Inactive, bool Predicted) DrawFactor(ref SplitMix64 fate, bool second)
    {
        (bool inactive, bool predicted) = _target.Draw(ref fate);
        if (_model.Activation != Activation.DRelu)
        {
            return (inactive, predicted);
        }

        // Where prediction and truth agree that the neuron is inactive, they agree on the factors as well.
        (bool gate, bool up) = _target.DrawFactors(ref fate);
        bool ends = second ? up : gate;
        return (inactive && ends, predicted && ends);
    }

    private void Embedding(Span<byte> row, int token, int exponent)
    {
        var random = new SplitMix64(_seed, stream: -3, token);
        for (int run = 0; run < _patterns.Runs; run++)
        {
            _writer.Embedding(row, run, _patterns.Signs(run, token % SignPatterns.Groups), exponent, random.Next());
        }
    }

    private void Projection(string name, int rows, bool biased)
    {
        RandomMatrix(name + ".weight", rows, _model.Hidden);
        Bias(name, rows, biased);
    }

    private void RandomMatrix(string name, int rows, int columns) => Matrix(name, rows, columns, RandomRow(_stream));

    private RowWriter RandomRow(int stream) => (row, i) =>
    {
        var random = new SplitMix64(_seed, stream, i);
        _writer.Random(row, ref random);
    };

    private delegate void RowWriter(Span<byte> row, int i);

    private void Matrix(string name, int rows, int columns, RowWriter write) =>
        Fill(name, TensorType.Of(_type), [rows, columns], rows, _writer.RowBytes(columns), write);

    /// <summary>Neuron-major at once, so that it is there only once.</summary>
    private void Down(string name)
    {
        string? down = _model.Experts > 0 ? PreparedTensors.ExpertsDownName(name) : PreparedTensors.TryGetDownName(name, out string? own) ? own : null;
        TensorType stored = PreparedTensors.DownType(_type);
        long[] shape = PreparedTensors.DownShape(_type, _model.Intermediate, _model.Hidden);
        int stream = _stream;
        int rows = Copies * (int)shape[0];
        long rowBytes = shape.Length == 2 ? _writer.RowBytes(_model.Hidden) : shape[1] * shape[2];
        Fill(down!, stored, OfExperts(shape), rows, rowBytes, (row, i) =>
        {
            var random = new SplitMix64(_seed, stream, i);
            _writer.RandomDown(row, _model.Hidden, ref random);
        });
    }

    private void Fill(string name, TensorType stored, long[] shape, int rows, long rowBytes, RowWriter write)
    {
        _stream++;
        NativeBuffer buffer = NativeBuffer.Allocate(rows * rowBytes);
        _tensors.Add(new TensorInMemory(name, stored, shape, buffer));
        nint address = buffer.Address;
        int chunks = (rows + RowsAtOnce - 1) / RowsAtOnce;
        Parallel.For(0, chunks, new ParallelOptions { CancellationToken = _cancel }, chunk =>
        {
            int end = Math.Min(rows, (chunk + 1) * RowsAtOnce);
            for (int i = chunk * RowsAtOnce; i < end; i++)
            {
                write(new Span<byte>((byte*)address + (i * rowBytes), (int)rowBytes), i);
            }
        });
        _done += rows * rowBytes;
        _progress(_done, _total);
    }

    private void Norm(string name)
    {
        Vector(name + ".weight", _model.Hidden, static (_, _) => 1f);
        if (_model.LayerNorm)
        {
            Vector(name + ".bias", _model.Hidden, static (_, _) => 0f);
        }
    }

    private void Bias(string name, int length, bool wanted)
    {
        if (wanted)
        {
            // Far too small to make a neuron active or inactive.
            Vector(name + ".bias", length, (seed, i) => (float)((new SplitMix64(seed, -4, i).NextUnit() - 0.5) / 256));
        }
    }

    private void Vector(string name, int length, Func<ulong, int, float> value, long[]? shape = null)
    {
        NativeBuffer buffer = NativeBuffer.Allocate(length * sizeof(float));
        _tensors.Add(new TensorInMemory(name, TensorType.Of(WeightType.F32), shape ?? [length], buffer));
        Span<float> elements = buffer.AsSpan<float>();
        for (int i = 0; i < length; i++)
        {
            elements[i] = value(_seed, i);
        }
    }
}
