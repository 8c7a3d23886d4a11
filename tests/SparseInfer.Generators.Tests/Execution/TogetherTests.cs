using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Sequences that are decoded together, against each of them alone: all families, in all modes.</summary>
public sealed class TogetherTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(2), Device.Cpu(3)];

    /// <summary>All that is not in the zoo; rows so wide that several tokens take fewer neurons at a time than one does.</summary>
    private static readonly IReadOnlyList<DecoderCase> Others =
    [
        .. TraitZoo.All,
        TraitZoo.Together,
        new("WideRows") { Hidden = 2048, DeclaredHeadDimension = 16, Layers = 2, Intermediate = 330, Alphas = [1m, 1.02m] },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. Others.Select(model => model.Source)]));

    private static readonly List<DecoderCase> Models = [.. DecoderZoo.Everything, .. Others];

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } = new(Models.Select(model => model.Name), Enum.GetValues<SparsityMode>());

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Sequences_that_join_and_leave_have_the_bits_that_they_have_alone_on_any_number_of_threads(string name, SparsityMode mode)
    {
        DecoderCase declared = Models.Single(model => model.Name == name);
        bool isOther = Others.Contains(declared);
        DecoderWeights weights = isOther ? TraitZoo.Weights(declared) : new DecoderWeights(declared);

        // Each model has another number of threads in each mode, and each mode in each model.
        CpuDevice device = Devices[(Models.IndexOf(declared) + (int)mode) % Devices.Length];
        float[] alone = With(Devices[0], model => Sequences(model, mode, together: false));
        ShouldHaveTheBitsOf(alone, With(device, model => Sequences(model, mode, together: true)), $"{device.Workers.Count} threads");

        float[] With(Device device, Func<LanguageModel, float[]> run) => DecoderRun.With(
            weights, path => isOther ? Assembly.Value.LoadModel(name, path, device) : DecoderZoo.Load(declared, path, device), run);
    }

    [Theory]
    [InlineData("Plain", SparsityMode.Dense)]
    [InlineData("Plain", SparsityMode.Exact)]
    [InlineData("Plain", SparsityMode.Predicted)]
    [InlineData("DoubleRelu", SparsityMode.Predicted)]
    public void What_sequences_need_together_is_counted_and_changes_no_bit(string name, SparsityMode mode)
    {
        DecoderCase declared = DecoderZoo.Everything.Single(model => model.Name == name);
        DecoderRun.With(new DecoderWeights(declared), path => DecoderZoo.Load(declared, path, Devices[2]), model =>
        {
            Session[] sessions = [.. Enumerable.Range(0, 6).Select(_ => model.CreateSession(new SessionOptions { Mode = (UserMode)mode }))];
            using SessionBatch plain = model.CreateBatch();
            using SessionBatch metered = model.CreateBatch();
            metered.Metering = true;
            metered.ReadUnionShare().ShouldBeNull();
            int[] tokens = [.. Enumerable.Range(0, sessions.Length).Select(i => Token(declared.Vocabulary, i))];
            plain.Forward(sessions, tokens);
            plain.ReadUnionShare().ShouldBeNull();

            double two = Metered(2);
            double six = Metered(6);
            if (mode == SparsityMode.Dense)
            {
                (two, six).ShouldBe((1, 1));
            }
            else
            {
                two.ShouldBeInRange(0.2, 0.9);
                six.ShouldBeInRange(two + 0.05, 0.999);
            }

            metered.ReadUnionShare().ShouldBeNull();
            Array.ForEach(sessions, session => session.Dispose());
            return 0;

            double Metered(int count)
            {
                Array.ForEach(sessions, session => session.Rewind(0));
                metered.Forward(sessions.AsSpan(0, count), tokens.AsSpan(0, count));
                for (int i = 0; i < count; i++)
                {
                    ShouldHaveTheBitsOf(plain.Logits(i).ToArray(), metered.Logits(i).ToArray(), $"{i} of {count}");
                }

                return metered.ReadUnionShare()!.Value;
            }
        });
    }

    [Theory]
    [InlineData("Plain", SparsityMode.Dense)]
    [InlineData("Plain", SparsityMode.Exact)]
    [InlineData("Plain", SparsityMode.Predicted)]
    [InlineData("SmallThinker", SparsityMode.Dense)]
    [InlineData("SmallThinker", SparsityMode.Predicted)]
    public void A_step_of_several_sequences_allocates_nothing(string name, SparsityMode mode)
    {
        DecoderCase declared = DecoderZoo.Everything.Single(model => model.Name == name);
        long least = DecoderRun.With(new DecoderWeights(declared), path => DecoderZoo.Load(declared, path, Devices[0]), model =>
        {
            Session[] sessions = [.. Enumerable.Range(0, 9).Select(_ => model.CreateSession(new SessionOptions { Mode = (UserMode)mode }))];
            using SessionBatch batch = model.CreateBatch();
            int[] tokens = [.. Enumerable.Range(0, sessions.Length).Select(i => Token(declared.Vocabulary, i))];
            batch.Forward(sessions, tokens);
            long least = long.MaxValue;
            for (int i = 0; i < 12; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                batch.Forward(sessions, tokens);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Array.ForEach(sessions, session => session.Dispose());
            return least;
        });
        least.ShouldBe(0);
    }
}
