using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Matrix products of a prompt: for every width and type a kernel, and for halves another one on tensor cores.</summary>
internal sealed class PromptProducts(CodeWriter code, IlgpuDecoderPlan plan) : LaunchCode(code, plan)
{
    private readonly ProductKernels _plain = new(code, plan.ProductTile);
    private readonly MatrixKernels _matrix = new(code, plan.MatrixTile);

    private bool OnTensorCores(WeightType type) => IlgpuDecoderPlan.OnTensorCores(type) && Plan.HasMatrixKernels;

    /// <summary>A product: of whichever matrix an operation has.</summary>
    public Launch Launch(Operation operation) => Launch(
        operation,
        "product",
        [
            .. Plan.PromptProducts.SelectMany(product => product.Widths.Select(width => _plain.Product(product.Type, width))),
            .. Plan.PromptProducts.Where(product => OnTensorCores(product.Type)).SelectMany(product => product.Widths.Select(_matrix.Product)),
        ]);

    /// <summary>The launch that splits the inputs of the products that follow, for a program that may have tensor cores.</summary>
    public Step Split(Operation operation, string input, string quads, string tokens) => !operation.Tensors.Any(IsOnTensorCores) ? new([], () => { }) : new(
        [Launch(operation, "halves", [_matrix.Split()])], () => Code.Line($"Split({input}, {quads} / 2, {tokens});"));

    /// <summary>Products with matrices that have a row for each channel of their input.</summary>
    /// <param name="operation">What they are computed for.</param>
    /// <param name="to">Where a matrix's outputs go, as C#: the first of them, of which view, and from a token's to the next one's.</param>
    public Step ByChannel(ChannelPlan plan, Operation operation, Slot from, Func<int, string> to)
    {
        Step split = Split(operation, Row(from), Quads(from), "tokens");
        Launch[] launches = [.. split.Launches, .. plan.Matrices.Select(matrix => Launch(operation, "product", matrix.Types(Spec).SelectMany(type => Kernels(matrix, type))))];
        return new(launches, () =>
        {
            split.Emit();
            for (int i = 0; i < plan.Matrices.Count; i++)
            {
                Tensor matrix = plan.Matrices[i];
                string outputs = $"tokens, {to(i)}";
                ForType($"w.{matrix.Field}", matrix.Types(Spec), type => ForTensorCores(
                    type,
                    () =>
                    {
                        DeviceKernel kernel = _matrix.ByChannel(RowOf(matrix, type), matrix.Rows.Size, plan.Width);
                        Code.Line(Run(kernel, Config(kernel, RowTiles(matrix, Plan.MatrixTile.Rows), MatrixTiles("tokens")), $"w.{matrix.Field}.Words, _halves, _halfScales, {outputs}"));
                    },
                    () =>
                    {
                        DeviceKernel kernel = _plain.ByChannel(RowOf(matrix, type), matrix.Rows.Size, plan.Width);
                        Code.Line(Run(kernel, Config(kernel, RowTiles(matrix, Plan.ProductTile.Rows), Tiles("tokens")), $"{LaunchPass.WordsOfChannels(matrix, type)}, {Row(from)}, {outputs}"));
                    }));
            }
        });

        static RowPlan RowOf(Tensor matrix, WeightType type) => RowPlan.Of(type, matrix.Rows.Size);

        static string RowTiles(Tensor matrix, int rows) => $"{(matrix.Rows.Size + rows - 1) / rows}";

        IEnumerable<DeviceKernel> Kernels(Tensor matrix, WeightType type) =>
        [
            _plain.ByChannel(RowOf(matrix, type), matrix.Rows.Size, plan.Width),
            .. OnTensorCores(type) ? [_matrix.ByChannel(RowOf(matrix, type), matrix.Rows.Size, plan.Width)] : Array.Empty<DeviceKernel>(),
        ];
    }

    /// <summary>Down of a batch.</summary>
    public DeviceKernel Down(IlgpuFeedForwardPlan feedForward) => _plain.Down(feedForward);

    /// <summary>The same on tensor cores; null: it has no kernel there.</summary>
    public DeviceKernel? MatrixDown => Plan.HasMatrixKernels ? FeedForwards.Where(plan => OnTensorCores(plan.Weights)).Select(_matrix.Down).SingleOrDefault() : null;

    private bool IsOnTensorCores(Tensor tensor) => tensor.Columns is not null && tensor.Types(Spec).Any(OnTensorCores);

    /// <summary>The statement that multiplies.</summary>
    public static string Call(string matrix, string from, string tokens, string to, string stride) => $"Product({matrix}, {from}, {tokens}, {to}, {stride});";

    /// <summary>Writes what runs on tensor cores where a device has them, and else.</summary>
    public void ForTensorCores(WeightType type, Action matrix, Action plain)
    {
        if (!OnTensorCores(type))
        {
            plain();
            return;
        }

        using (Code.Block("if (UsesTensorCores)"))
        {
            matrix();
        }

        using (Code.Block("else"))
        {
            plain();
        }
    }

    private string Tiles(string tokens) => Groups(tokens, Plan.ProductTile.Tokens);

    private string MatrixTiles(string tokens) => Groups(tokens, Plan.MatrixTile.Tokens);

    public void EmitDown(IlgpuFeedForwardPlan feedForward, string tokens)
    {
        DeviceKernel kernel = Down(feedForward);
        int tiles = (Spec.Hidden + Plan.ProductTile.Rows - 1) / Plan.ProductTile.Rows;
        string down = feedForward.Row.IsBlock ? "w.Down.Words, w.Down.Scales.Cast<Words4>()" : "w.Down.Words";
        Code.Line(Run(kernel, Config(kernel, $"{tiles}", Tiles(tokens)), $"{down}, _activated, {tokens}, {DownBias}_projected"));
    }

    public void EmitMatrixDown(string tokens)
    {
        DeviceKernel kernel = MatrixDown!;
        int tiles = (Spec.Hidden + Plan.MatrixTile.Rows - 1) / Plan.MatrixTile.Rows;
        Code.Line(Run(
            kernel, Config(kernel, $"{tiles}", MatrixTiles(tokens)), $"w.Down.Words, _halves, _halfScales, {tokens}, _projected.Cast<float>()"));
    }

    /// <summary>Writes the methods that multiply, and that split inputs for it.</summary>
    public void Emit()
    {
        WeightType[] types = [.. Plan.PromptProducts.Select(product => product.Type)];
        IReadOnlyList<int> Widths(WeightType type) => Plan.PromptProducts.First(product => product.Type == type).Widths;
        using (Code.Block("private void Product(DeviceMatrix w, ArrayView<Float4> x, int tokens, ArrayView<float> y, int stride)"))
        {
            Code.Line($"int tiles = {Groups("w.Rows", Plan.ProductTile.Rows)};");
            Code.Line($"var config = {Config(_plain.Product(types[0], Plan.Shape.PaddedHidden), "tiles", Tiles("tokens"))};");
            ForType("w", types, type => ForTensorCores(
                type,
                () =>
                {
                    string config = Config(_matrix.Product(Plan.Shape.PaddedHidden), Groups("w.Rows", Plan.MatrixTile.Rows), MatrixTiles("tokens"));
                    Code.Line($"var matrix = {config};");
                    ForWidth(Widths(type), width => Code.Line(
                        Run(_matrix.Product(width), "matrix", "w.Words, _halves, _halfScales, tokens, w.Rows, w.FirstRow, y, stride")));
                },
                () => ForWidth(Widths(type), width => Code.Line(
                    Run(_plain.Product(type, width), "config", $"{Words("w", type)}, x, tokens, w.Rows, w.FirstRow, y, stride")))));
        }

        if (!Plan.HasMatrixKernels)
        {
            return;
        }

        DeviceKernel split = _matrix.Split();
        Code.Line();
        Code.Line($"private bool UsesTensorCores => _program.{split.Field} is not null;");
        Code.Line();
        Code.Summary("Splits the inputs of the products that follow, where they run on tensor cores.");
        using (Code.Block("private void Split(ArrayView<Float4> x, int words, int tokens)"))
        {
            using (Code.Block("if (UsesTensorCores)"))
            {
                Code.Line(Run(split, Config(split, "tokens"), "x, words, _halves, _halfScales"));
            }
        }
    }
}
