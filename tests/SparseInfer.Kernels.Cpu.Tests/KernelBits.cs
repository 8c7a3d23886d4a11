namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Runs kernels on fixed random numbers: a checksum for every kernel, type and shape.</summary>
internal sealed class KernelBits
{
    /// <summary>What was computed so far.</summary>
    public GoldenBits Bits { get; } = new();

    /// <summary>A weight type: encoding, decoding, products of a matrix and of a down matrix, for one token and for batches.</summary>
    public void AddType<T>()
        where T : IWeightArithmetic
    {
        foreach (int width in new[] { 1, 31, 33, 96, 544, 2080 }.Select(Fit<T>).Distinct())
        {
            AddConversions<T>(width);
            AddMatrix<T>(width, rows: 23, scale: 1);
        }

        AddMatrix<T>(Fit<T>(96), rows: 7, scale: 1e7f);
        foreach ((int hidden, int neurons) in new[] { (1, 5), (33, 33), (100, 96), (160, 288) })
        {
            AddDown<T>(hidden, Fit<T>(neurons), scale: 1);
        }

        AddDown<T>(hidden: 100, Fit<T>(96), scale: 1e9f);
    }

    /// <summary>What is computed with activations alone.</summary>
    public void AddLayers()
    {
        foreach (int width in new[] { 1, 33, 100, 1536 })
        {
            AddNorms(width);
        }

        foreach (int headDimension in new[] { 8, 33, 80, 128 })
        {
            AddAttention<KeyValueF32>("", headDimension);
            AddAttention<KeyValueF16>(" over F16", headDimension);
            AddAttention<KeyValueQ8_0>(" over Q8_0", headDimension);
        }

        AddActivations();
        AddRotations();
    }

    private static int Fit<T>(int width)
        where T : IWeightFormat => (width + T.BlockElements - 1) / T.BlockElements * T.BlockElements;

    private void AddConversions<T>(int width)
        where T : IWeightFormat
    {
        using var sample = new Sample<T>(3, width);
        var decoded = new float[sample.Values.Length];
        WeightConversion.Decode<T>(sample.Bytes, decoded);
        Bits.Add($"{typeof(T).Name} decode, 3 x {width}", decoded);

        float[] values = Reference.RandomVector(decoded.Length, seed: 2, scale: 0.3f);
        var encoded = new byte[sample.Bytes.Length];
        WeightConversion.Encode<T>(values, encoded);
        Bits.AddBytes($"{typeof(T).Name} encode, 3 x {width}", encoded);
    }

    private void AddMatrix<T>(int width, int rows, float scale)
        where T : IWeightArithmetic
    {
        using var sample = new Sample<T>(rows, width);
        WeightMatrix w = sample.Pack(out NativeBuffer? owner);
        using (owner)
        {
            float[] x = Reference.RandomRows(1, width, seed: 3, scale);
            var prepared = new float[x.Length];
            var y = new float[rows];
            float undo = T.PrepareInput(in x[0], ref prepared[0], x.Length);
            MatrixVector.Multiply<T>(in w, 0, rows, x.Length, ref prepared[0], undo, ref y[0]);
            Bits.Add($"{typeof(T).Name} matrix, {rows} x {width}, inputs to {scale}", y);
            foreach (int tokens in new[] { 2, 7, 45 })
            {
                float[] inputs = Reference.RandomRows(tokens, width, seed: 4, scale);
                var outputs = new float[tokens * rows];
                var panel = new float[MatrixMatrix.PanelLength(w.PaddedColumns, tokens)];
                MatrixMatrix.Multiply<T>(
                    in w, 0, rows, w.PaddedColumns, ref inputs[0], w.PaddedColumns, tokens, ref outputs[0], rows, panel);
                Bits.Add($"{typeof(T).Name} matrix, {rows} x {width}, inputs to {scale}, {tokens} tokens", outputs);
            }
        }
    }

    private void AddDown<T>(int hidden, int neurons, float scale)
        where T : IWeightArithmetic
    {
        using var sample = new Sample<T>(hidden, neurons);
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, hidden, neurons, 1, out NativeBuffer owner);
        using (owner)
        {
            float[] h = HalfZero(neurons, tokens: 1, scale);
            int[] active = Enumerable.Range(0, neurons).Where(i => h[i] != 0).ToArray();
            var y = new float[down.PaddedColumns];
            OrderedDown.Accumulate<T>(in down, active, active.Select(i => h[i]).ToArray(), ref y[0], 0, y.Length);
            Bits.Add($"{typeof(T).Name} down, {hidden} x {neurons}, activations to {scale}", y);
            foreach (int tokens in new[] { 2, 7, 45 })
            {
                float[] batch = HalfZero(neurons, tokens, scale);
                var outputs = new float[tokens * y.Length];
                OrderedDown.Multiply<T>(
                    in down, new NeuronSlices(neurons, (neurons + 63) / 64), ref batch[0], neurons, tokens, ref outputs[0], y.Length, 0, y.Length,
                    new float[OrderedDown.PanelLength]);
                Bits.Add($"{typeof(T).Name} down, {hidden} x {neurons}, activations to {scale}, {tokens} tokens", outputs);
            }
        }
    }

    private void AddNorms(int width)
    {
        float[] x = Reference.RandomRows(1, width, seed: 5, scale: 3);
        float[] weight = Reference.RandomRows(1, width, seed: 6);
        float[] bias = Reference.RandomRows(1, width, seed: 7);
        var y = new float[x.Length];
        RmsNorm.Apply(in x[0], in weight[0], ref y[0], width, x.Length, 1e-5f);
        Bits.Add($"RmsNorm, {width}", y);
        LayerNorm.Apply(in x[0], in weight[0], in bias[0], ref y[0], width, x.Length, 1e-5f);
        Bits.Add($"LayerNorm, {width}", y);
        RmsNorm.ApplyToHead(ref x[0], in weight[0], width, 1e-5f);
        Bits.Add($"RmsNorm of a head, {width}", x);
    }

    private void AddAttention<T>(string cache, int headDimension)
        where T : struct, IKeyValueFormat
    {
        int rowBytes = (int)T.Bytes(T.Columns(headDimension));
        foreach (int positions in new[] { 1, 7, 50 })
        {
            float[] q = Reference.RandomVector(headDimension, seed: 8);
            byte[] keys = Stored<T>(Reference.RandomVector(positions * headDimension, seed: 9), positions, headDimension, rowBytes);
            byte[] values = Stored<T>(Reference.RandomVector(positions * headDimension, seed: 10), positions, headDimension, rowBytes);
            var output = new float[headDimension];
            AttentionHead.Apply<T>(
                ref q[0], ref keys[0], ref values[0], positions, headDimension, 1 / MathF.Sqrt(headDimension),
                new float[AttentionHead.ScratchLength<T>(positions, headDimension)], ref output[0]);
            Bits.Add($"attention{cache}, {positions} x {headDimension}", output);
        }
    }

    private static byte[] Stored<T>(float[] source, int positions, int headDimension, int rowBytes)
        where T : struct, IKeyValueFormat
    {
        var rows = new byte[positions * rowBytes];
        for (int position = 0; position < positions; position++)
        {
            T.Store(ref source[position * headDimension], ref rows[position * rowBytes], headDimension);
        }

        return rows;
    }

    private void AddActivations()
    {
        float[] x = [.. Reference.RandomVector(1001, seed: 11, scale: 12), 0f, -0f, 1e-40f, 200f, -200f, float.MaxValue, float.MinValue];
        float[] y = [.. x];
        Activations.Silu(y);
        Bits.Add($"SiLU, {x.Length}", y);
        x.CopyTo(y, 0);
        Activations.Gelu(y);
        Bits.Add($"GELU, {x.Length}", y);
    }

    private void AddRotations()
    {
        var table = new RopeTable(context: 4096, dimensions: 64, theta: 10000, scaling: 1);
        foreach (int position in new[] { 0, 1, 77, 4095 })
        {
            float[] head = Reference.RandomVector(64, seed: 12);
            Rope.ApplyHalfSplit(ref head[0], in table.Cos(position), in table.Sin(position), 64);
            Bits.Add($"rotation, position {position}", head);
        }
    }

    /// <summary>Half of them zero, as a ReLU leaves them.</summary>
    private static float[] HalfZero(int neurons, int tokens, float scale)
    {
        float[] h = Reference.RandomVector(neurons * tokens, seed: 13, scale);
        return Array.ConvertAll(h, value => MathF.Max(0, value));
    }
}
