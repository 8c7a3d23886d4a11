using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0022 to SPI0032, SPI0053, SPI0057 to SPI0064 and SPI0072 to SPI0080: which policy acts where, and what each policy asks. Models here have layers 0 to 7.</summary>
public sealed class PolicyRuleTests
{
    [Theory]
    [InlineData("[Dense(Layers = {|SPI0022:\"\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"0..3,\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"a..3\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"0-7\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"-1..7\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"5..2\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"0...7\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"99999999999\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:nameof(M)|})]")]
    [InlineData("[Dense(Layers = null)]")]
    [InlineData("[Dense(Layers = \"..\")]")]
    [InlineData("[Dense(Layers = \" 0 .. 3 ,4, 5..\")]")]
    public Task Layers_are_ranges(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[Dense(Layers = {|SPI0023:\"0..8\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0023:\"0..7, 9..12\"|})]")]
    [InlineData("[Dense]", "[ExactSparsity(Layers = {|SPI0023:\"8..\"|})]")]
    public Task Layers_end_where_the_model_does(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[Dense]", "[{|SPI0024:ExactSparsity|}]")]
    [InlineData("[Dense(Layers = \"0..4\")]", "[Dense(Layers = {|SPI0024:\"4..\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0024:\"0..4, 3..7\"|})]")]
    [InlineData("[Dense]", "[SignBitPredictor(Layers = {|SPI0024:\"0\"|})]", "[ExactSparsity(Layers = {|SPI0024:\"1\"|})]")]
    [InlineData("[Dense(Layers = \"4..\")]", "[ExactSparsity(Layers = \"..3\")]")]
    public Task No_layer_has_two_policies(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[Dense(Layers = {|SPI0025:\"0..3\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0025:\"4..\"|})]")]
    [InlineData("[Dense(Layers = \"5..\")]", "[ExactSparsity(Layers = {|SPI0025:\"..3\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0025:\"0, 2, 4, 6\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0022:\"0..x\"|})]", "[ExactSparsity(Layers = \"5..\")]")]
    public Task Every_layer_has_a_policy(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[Dense(Layers = {|SPI0026:\"0\"|})]")]
    [InlineData("[Dense(Layers = {|SPI0026:\"what\"|})]")]
    [InlineData("[Dense]", "[{|SPI0027:SignBitPredictor|}(Alpha = 1.1f)]", "[{|SPI0027:Dense|}]")]
    public Task A_layer_alone_has_one_policy_and_no_layers(params string[] attributes) => Diagnose.Expect(Declared.Layer(attributes));

    [Theory]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0028:0|})]")]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0028:-1.03f|})]")]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0028:100.1f|})]")]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0028:float.NaN|})]")]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0036:100|})]")]
    public async Task Alpha_is_above_zero_and_at_most_a_hundred(string attribute)
    {
        await Diagnose.Expect(Declared.Model(attribute));
        await Diagnose.Expect(Declared.Layer(attribute));
    }

    [Theory]
    [InlineData("[SignMagnitudePredictor(Beta = {|SPI0059:0|})]")]
    [InlineData("[SignMagnitudePredictor(Beta = {|SPI0059:102|})]")]
    [InlineData("[SignMagnitudePredictor(Beta = {|SPI0059:float.NaN|}, OutlierWeight = {|SPI0059:-1|}, OutlierSigmas = {|SPI0059:0|})]")]
    [InlineData("[SignMagnitudePredictor(OutlierWeight = {|SPI0059:301|}, OutlierSigmas = {|SPI0059:float.PositiveInfinity|})]")]
    [InlineData("[SignMagnitudePredictor(Beta = 10, OutlierWeight = 0, OutlierSigmas = 0.1f)]")]
    public async Task Numbers_of_votes_are_in_range(string attribute)
    {
        await Diagnose.Expect(Declared.Model(attribute));
        await Diagnose.Expect(Declared.Layer(attribute));
    }

    [Theory]
    [InlineData("Silu", "[ActivationThreshold(Threshold = 0.1f, GateVote = 265)]")]
    [InlineData("Gelu", "[ActivationThreshold(Threshold = 0.1f, GateVote = 0.01f, OutlierWeight = 300, OutlierSigmas = 1)]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = 0.1f, GateVote = {|SPI0061:0|})]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = 0.1f, GateVote = {|SPI0061:1e8f|}, OutlierWeight = {|SPI0061:-1|}, OutlierSigmas = {|SPI0061:float.NaN|})]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = 0.1f, OutlierWeight = {|SPI0061:30|}, OutlierSigmas = {|SPI0061:3|})]")]
    [InlineData("Relu", "[{|SPI0032:ActivationThreshold|}(Threshold = 0.1f, GateVote = {|SPI0061:265|})]")]
    public Task Votes_select_gates_of_smooth_activations(string activation, string attribute) =>
        Diagnose.Expect(Declared.Model($"[FeedForward(Intermediate = 704, Activation = Activation.{activation})]", attribute));

    [Theory]
    [InlineData("[HeadSparsity(Keep = {|SPI0077:0|})]")]
    [InlineData("[HeadSparsity(Keep = {|SPI0077:1.01f|}, Router = true)]")]
    [InlineData("[HeadSparsity(Keep = {|SPI0077:float.NaN|})]")]
    [InlineData("[{|SPI0077:HeadSparsity|}]")]
    [InlineData("[HeadSparsity(Keep = 0.5f, Bias = {|SPI0079:true|})]")]
    [InlineData("[HeadSparsity(Keep = 0.5f, Layers = {|SPI0023:\"5..8\"|})]")]
    [InlineData("[HeadSparsity(Keep = 0.5f, Layers = \"1..3\")]", "[HeadSparsity(Keep = 1, Router = true, Layers = {|SPI0024:\"3..\"|})]")]
    [InlineData("[HeadSparsity(Keep = 0.5f, Layers = \"1..3\")]", "[HeadSparsity(Keep = 1, Router = true, Bias = false, Layers = \"4..\")]", "[InputThreshold(Output = 0.1f)]")]
    public Task A_share_of_heads_is_kept(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Fact]
    public Task Heads_that_share_all_keys_are_not_chosen_among() => Diagnose.Expect(
        Declared.Model("[{|SPI0078:HeadSparsity|}(Keep = 0.5f)]").Replace("Heads = 8", "Heads = 8, KeyValueHeads = 1", StringComparison.Ordinal));

    [Theory]
    [InlineData("[InputThreshold(Heads = {|SPI0062:-0.1f|})]")]
    [InlineData("[InputThreshold(Heads = 0.1f, Output = {|SPI0062:float.NaN|})]")]
    [InlineData("[InputThreshold(Output = {|SPI0062:float.PositiveInfinity|})]")]
    [InlineData("[{|SPI0063:InputThreshold|}]")]
    [InlineData("[{|SPI0063:InputThreshold|}(Heads = 0, Layers = \"0..3\")]")]
    [InlineData("[InputThreshold(Output = 0.1f)]")]
    [InlineData("[InputThreshold(Heads = 0.1f, Layers = {|SPI0023:\"5..8\"|})]")]
    [InlineData("[InputThreshold(Heads = 0.1f, Layers = \"0..3\")]", "[InputThreshold(Output = 0.1f, Layers = {|SPI0024:\"3\"|})]")]
    [InlineData("[InputThreshold(FeedForward = {|SPI0064:0.1f|}, Down = 0.1f)]")]
    [InlineData("[SignBitPredictor]", "[InputThreshold(FeedForward = {|SPI0064:0.1f|})]")]
    [InlineData("[Dense(Layers = \"0\")]", "[ExactSparsity(Layers = \"1..\")]", "[InputThreshold(FeedForward = {|SPI0064:0.1f|}, Layers = \"0\")]")]
    [InlineData("[Experts(Count = 4, Active = 2)]", "[Dense]", "[InputThreshold(FeedForward = {|SPI0064:0.1f|}, Down = {|SPI0064:0.1f|})]")]
    [InlineData("[Dense]", "[InputThreshold(FeedForward = 0.1f, Down = 0.1f)]")]
    [InlineData("[Dense(Layers = \"0..3\")]", "[ExactSparsity(Layers = \"4..\")]", "[InputThreshold(Heads = 0.1f, Layers = \"2..5\")]")]
    [InlineData("[InputThreshold(Heads = 0.1f, HeadsCentre = -0.01f, ColumnNorms = true)]")]
    [InlineData("[InputThreshold(Heads = 0.1f, HeadsCentre = {|SPI0081:float.NaN|})]")]
    [InlineData("[InputThreshold(Heads = 0.1f, OutputCentre = {|SPI0081:0.1f|})]")]
    [InlineData("[InputThreshold(Output = 0.1f, ColumnNorms = {|SPI0081:true|})]")]
    [InlineData("[Dense]", "[InputThreshold(Down = 0.1f, DownCentre = 0.1f)]")]
    [InlineData("[ExactSparsity]", "[InputThreshold(Down = 0.1f, DownCentre = {|SPI0064:0.1f|})]")]
    public Task An_input_threshold_is_usable_and_stands_beside_other_policies(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[{|SPI0053:SignBitPredictor|}]")]
    [InlineData("[{|SPI0053:SignMagnitudePredictor|}]")]
    [InlineData("[{|SPI0053:SignBitPredictor|}(Alpha = 1.03f)]")]
    [InlineData("[{|SPI0032:ActivationThreshold|}(Threshold = 0.1f)]")]
    [InlineData("[ExactSparsity]")]
    [InlineData("[Dense]")]
    public Task Nothing_predicts_a_cut_that_all_neurons_decide(string attribute) => Diagnose.Expect(Declared.Layer(
        "[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = 0.95f)]", attribute));

    [Theory]
    [InlineData("[{|SPI0053:LowRankPredictor|}(Rank = 8, Input = PredictorInput.Normed)]")]
    [InlineData("[{|SPI0053:TruncatedSvdPredictor|}(Rank = 8, Threshold = 0f)]")]
    [InlineData("[{|SPI0053:PromptNeurons|}(Keep = 0.5f, Layers = \"0..3\")]", "[ExactSparsity(Layers = \"4..\")]")]
    [InlineData("[ExactSparsity(Layers = \"0..3\")]", "[Dense(Layers = \"4..\")]", "[InputThreshold(Heads = 0.1f, Output = 0.1f)]", "[HeadSparsity(Keep = 0.5f)]")]
    public Task Nothing_leaves_gates_unread_that_decide_a_cut(params string[] attributes) => Diagnose.Expect(Declared.Model(
        ["[FeedForward(Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = 0.95f)]", .. attributes]));

    [Theory]
    [InlineData("Silu", "[{|SPI0029:SignBitPredictor|}]")]
    [InlineData("Gelu", "[{|SPI0029:SignBitPredictor|}(Alpha = {|SPI0028:0|})]")]
    [InlineData("Gelu", "[{|SPI0030:ExactSparsity|}]")]
    [InlineData("Silu", "[{|SPI0060:SignMagnitudePredictor|}(Beta = 1.01f)]")]
    [InlineData("DRelu", "[SignMagnitudePredictor]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = {|SPI0031:0|})]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = {|SPI0031:-0.1f|})]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = {|SPI0031:float.PositiveInfinity|})]")]
    [InlineData("Silu", "[{|SPI0031:ActivationThreshold|}]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = 0.1f)]")]
    [InlineData("Relu", "[{|SPI0032:ActivationThreshold|}(Threshold = 0.1f)]")]
    [InlineData("SquaredRelu", "[SignBitPredictor]")]
    [InlineData("DRelu", "[ExactSparsity]")]
    [InlineData("Gelu", "[Dense]")]
    public async Task A_policy_suits_the_activation(string activation, string attribute)
    {
        string shape = $"Intermediate = 704, Activation = Activation.{activation}";
        await Diagnose.Expect(Declared.Model($"[FeedForward({shape})]", attribute));
        await Diagnose.Expect(Declared.Layer($"[FeedForward(Hidden = 64, {shape})]", attribute));
    }

    [Theory]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Residual)]")]
    [InlineData("[LowRankPredictor(Rank = 65536, Input = PredictorInput.Normed, Relu = false, Bias = true, Threshold = -1e30f)]")]
    [InlineData("[{|SPI0009:{|SPI0057:LowRankPredictor|}|}]")]
    [InlineData("[{|SPI0057:LowRankPredictor|}(Rank = {|SPI0009:0|})]")]
    [InlineData("[LowRankPredictor(Rank = {|SPI0009:-8|}, Input = {|SPI0057:(PredictorInput)0|})]")]
    [InlineData("[LowRankPredictor(Rank = {|SPI0010:65537|}, Input = {|SPI0057:(PredictorInput)3|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Threshold = {|SPI0058:float.NaN|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Threshold = {|SPI0058:float.NegativeInfinity|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = 1)]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = 1e-20f)]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Count = 704)]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Lookahead = 1, Layers = \"1..\")] [ExactSparsity(Layers = \"0\")]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Lookahead = {|SPI0080:1|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Lookahead = {|SPI0080:2|}, Layers = \"3..7, 1\")] [ExactSparsity(Layers = \"0, 2\")]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Lookahead = {|SPI0080:-1|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = {|SPI0072:0|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = {|SPI0072:1.01f|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = {|SPI0072:float.NaN|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Count = {|SPI0072:0|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Count = {|SPI0072:705|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = {|SPI0072:0.5f|}, Threshold = 0)]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = 0.5f, Count = {|SPI0072:9|})]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Layers = \"0\")]", "[{|SPI0024:Dense|}]")]
    [InlineData("[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Layers = \"0\")]", "[Dense(Layers = \"1..\")]")]
    [InlineData("[PromptNeurons]")]
    [InlineData("[PromptNeurons(Keep = 1)]")]
    [InlineData("[PromptNeurons(Keep = 1e-20f)]")]
    [InlineData("[PromptNeurons(Keep = {|SPI0076:0|})]")]
    [InlineData("[PromptNeurons(Keep = {|SPI0076:1.01f|})]")]
    [InlineData("[PromptNeurons(Keep = {|SPI0076:float.NaN|})]")]
    [InlineData("[PromptNeurons(Layers = \"0\")]", "[{|SPI0024:Dense|}]")]
    [InlineData("[TruncatedSvdPredictor(Rank = 64)]")]
    [InlineData("[TruncatedSvdPredictor(Rank = {|SPI0073:705|})]")]
    [InlineData("[{|SPI0009:TruncatedSvdPredictor|}]")]
    [InlineData("[TruncatedSvdPredictor(Rank = 8, Threshold = {|SPI0074:float.PositiveInfinity|})]")]
    [InlineData("[{|SPI0032:ActivationThreshold|}(PerNeuron = true)]")]
    [InlineData("[{|SPI0032:ActivationThreshold|}(PerNeuron = true, Threshold = {|SPI0075:0|})]")]
    [InlineData("[{|SPI0032:ActivationThreshold|}(PerNeuron = false, Threshold = {|SPI0031:0|})]")]
    public Task A_trained_predictor_says_what_it_is(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    /// <summary>It stands beside policies of layers, and covers none.</summary>
    [Theory]
    [InlineData("[VocabularyPredictor(Rank = 8)]")]
    [InlineData("[VocabularyPredictor(Rank = 170, Threshold = -0.5f)]", "[Dense(Layers = \"0\")]", "[ExactSparsity(Layers = \"1..\")]")]
    [InlineData("[VocabularyPredictor(Rank = 8)]", "[Dense(Layers = {|SPI0025:\"0\"|})]")]
    [InlineData("[{|SPI0009:VocabularyPredictor|}]")]
    [InlineData("[VocabularyPredictor(Rank = {|SPI0009:-1|}, Threshold = {|SPI0071:float.NaN|})]")]
    [InlineData("[VocabularyPredictor(Rank = {|SPI0010:{|SPI0070:65537|}|})]")]
    [InlineData("[VocabularyPredictor(Rank = {|SPI0070:171|}, Threshold = {|SPI0071:float.PositiveInfinity|})]")]
    public Task A_predictor_of_words_spares_something(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData(64, "{|SPI0036:98|}")]
    [InlineData(256, "{|SPI0036:98|}")]
    [InlineData(4096, "{|SPI0036:98|}")]
    [InlineData(4096, "{|SPI0036:2.5f|}")]
    [InlineData(4096, "{|SPI0036:0.4f|}")]
    [InlineData(4096, "{|SPI0036:0.01f|}")]
    [InlineData(256, "{|SPI0036:0.1f|}")]
    [InlineData(1 << 20, "{|SPI0036:1.9f|}")]
    [InlineData(8, "98")] // all eight signs disagree often enough
    [InlineData(8, "0.1f")]
    [InlineData(64, "2.5f")]
    [InlineData(256, "1.3f")]
    [InlineData(256, "0.9f")]
    [InlineData(4096, "0.8f")]
    [InlineData(4096, "1.5f")]
    [InlineData(1 << 20, "1.8f")]
    public Task Alpha_decides_something(int hidden, string alpha) => Diagnose.Expect(
        Declared.Layer($"[FeedForward(Hidden = {hidden}, Intermediate = 192)]", $"[SignBitPredictor(Alpha = {alpha})]"));

    [Theory]
    [InlineData("{|SPI0037:50|}")] // a percentage
    [InlineData("{|SPI0037:10.1f|}")]
    [InlineData("{|SPI0037:1e-7f|}")]
    [InlineData("1e-6f")]
    [InlineData("0.001f")]
    [InlineData("10")]
    public Task An_activation_threshold_decides_something(string threshold) => Diagnose.Expect(
        Declared.Model("[FeedForward(Intermediate = 704, Activation = Activation.Silu)]", $"[ActivationThreshold(Threshold = {threshold})]"));
}
