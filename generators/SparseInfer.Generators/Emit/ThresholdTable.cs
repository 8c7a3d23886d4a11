using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>The thresholds that projections leave channels of their input out by: a table of a generated program.</summary>
internal static class ThresholdTable
{
    /// <summary>What it is called.</summary>
    public static string Name(InputChannels channels) => $"{channels.Use}Thresholds";

    /// <summary>What the channels are of, in words.</summary>
    public static string InputOf(InputChannels channels) => channels.Use switch
    {
        ChannelUse.Heads => "the input of query, key and value",
        ChannelUse.Output => "the output projection's input",
        ChannelUse.FeedForward => "the feed-forward's input",
        _ => "down's input",
    };

    /// <summary>Writes it.</summary>
    public static void Emit(CodeWriter code, InputChannels channels)
    {
        code.Line();
        code.Summary($"Of each layer: channels of {InputOf(channels)} whose magnitude is not larger are skipped in Predicted mode; -1: none.");
        string values = string.Join(", ", channels.Thresholds.Select(threshold => threshold is null ? "-1f" : Literal.OfDecimal(threshold)));
        code.Line($"private static ReadOnlySpan<float> {Name(channels)} => [{values}];");
        if (channels.HasCentres)
        {
            code.Line();
            code.Summary("Of each layer: what their magnitude is measured from.");
            string centres = string.Join(", ", channels.Centres.Select(centre => centre is null ? "0f" : Literal.OfDecimal(centre)));
            code.Line($"private static ReadOnlySpan<float> {Centres(channels)} => [{centres}];");
        }
    }

    /// <summary>What the table of centres is called, where there is one.</summary>
    public static string Centres(InputChannels channels) => $"{channels.Use}Centres";
}
