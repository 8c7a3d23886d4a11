using System.Text.Json;
using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Tests;

/// <summary><c>sparseinfer eval</c>: its arithmetic, and how results are written, without a model.</summary>
public sealed class EvalReportTests
{
    [Fact]
    public void Divergence_and_agreement_are_those_of_the_definitions()
    {
        const int Vocabulary = 7;
        var random = new Random(5);
        float[] dense = [.. Enumerable.Range(0, 4 * Vocabulary).Select(_ => (random.NextSingle() - 0.5f) * 200)];
        float[] sparse = [.. dense.Select(logit => logit + random.NextSingle())];
        sparse[0] = 1e30f; // overflows any exponential
        int[] targets = [0, 3, 6, 2];
        var predictions = new Predictions();
        predictions.Add(sparse[..Vocabulary], dense[..Vocabulary], targets.AsSpan(0, 1), Vocabulary);
        predictions.Add(sparse[Vocabulary..], dense[Vocabulary..], targets.AsSpan(1), Vocabulary);

        double surprise = 0;
        double divergence = 0;
        int agreeing = 0;
        for (int row = 0; row < targets.Length; row++)
        {
            double[] p = LogSoftmax(dense, row);
            double[] q = LogSoftmax(sparse, row);
            surprise -= q[targets[row]];
            divergence += p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum();
            agreeing += Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()) ? 1 : 0;
        }

        predictions.Perplexity.ShouldBe(Math.Exp(surprise / 4), 1e-9 * Math.Exp(surprise / 4));
        predictions.Divergence.ShouldBe(divergence / 4, 1e-9 * divergence);
        predictions.TopAgreement.ShouldBe(agreeing / 4.0);

        static double[] LogSoftmax(float[] logits, int row)
        {
            double[] own = [.. logits.Skip(row * Vocabulary).Take(Vocabulary).Select(logit => (double)logit)];
            double most = own.Max();
            double total = most + Math.Log(own.Sum(logit => Math.Exp(logit - most)));
            return [.. own.Select(logit => logit - total)];
        }
    }

    /// <summary>A page that a browser reads as XML would be read, needs nothing else, and says in text what it draws.</summary>
    [Fact]
    public void A_report_for_browsers_stands_alone()
    {
        EvaluationRun Row(string policy, double? ratio, double bytes) => new()
        {
            Policy = policy,
            Perplexity = ratio,
            PerplexityOfDense = ratio,
            KlDivergence = 0,
            Top1Agreement = 1,
            Acc = 0.5,
            AccNorm = 0.5,
            FfnBytesOfDense = bytes,
            BytesPerToken = bytes,
            BytesOfDense = bytes,
            Layers = [new EvaluationLayer(0, 0.5, 0.25, 0.75, 0.5, 0.01, 1000), new EvaluationLayer(1, 0.5, 0, null, null, 0, 1000)],
        };

        string page = HtmlReport.Write(new Evaluation("<cpu> & co", "a<b.gguf", "text", 10, 5, "questions", 3,
        [
            Row("Dense", 1, 1), Row("SignBitPredictor(Alpha = 1.2f)", 1.02, 0.5), Row("SignBitPredictor(Alpha = 0.9f)", double.PositiveInfinity, 0.3),
            Row("SignBitPredictor(Alpha = 1f), Other(Layers = \"<0\")", 40, 0.4) with { RuledOut = 0.25, RuledOutMass = 0.125 },
        ])
        { Ppl = 0.05 });

        string xml = page.Replace("<!doctype html>", "", StringComparison.Ordinal);
        xml = System.Text.RegularExpressions.Regex.Replace(xml, "<meta ([^>]*)>", "<meta $1/>");
        var root = System.Xml.Linq.XDocument.Parse(xml).Root!;
        root.Descendants("svg").Count().ShouldBe(2);
        root.Descendants("svg").ShouldAllBe(svg => svg.Attribute("role")!.Value == "img" && svg.Element("desc")!.Value.Contains("SignBitPredictor(Alpha = 1.2f): 50.0% of the bytes, "));
        root.Descendants("svg").First().Elements("g").Select(curve => curve.Elements("text").Single().Value).ShouldBe(["Dense", "SignBitPredictor", "SignBitPredictor + Other"]);
        root.Descendants("table").Count().ShouldBe(5);
        root.Descendants("caption").ShouldContain(caption => caption.Value == "Sparsity within 5% of dense perplexity");
        root.Descendants("p").ShouldContain(note => note.Value.Contains("\"<0\") gives 25.00% of the text's tokens no logit", StringComparison.Ordinal));
        root.Descendants("table").ShouldAllBe(table => table.Element("caption")!.Value.Length > 0);
        root.Descendants("th").ShouldAllBe(head => head.Attribute("scope") != null);
        root.Descendants("figcaption").First().Value.ShouldContain("Not drawn: 1, whose numbers are not finite.");
        page.ShouldNotContain("http:");
        page.ShouldNotContain("https:");
        page.ShouldNotContain("<script");
        page.ShouldNotContain("NaN");
    }

    [Fact]
    public void Sparsity_within_a_share_of_perplexity_lies_between_rows()
    {
        EvaluationRun Row(string policy, double ratio, double bytes, double inactive) => new()
        {
            Policy = policy,
            PerplexityOfDense = ratio,
            FfnBytesOfDense = bytes / 2,
            BytesPerToken = bytes,
            BytesOfDense = bytes,
            Layers = [new EvaluationLayer(0, inactive, inactive / 2, null, null, 0, 1)],
        };

        IReadOnlyList<PplSparsity> reached = PplSparsity.Of(
        [
            Row("Dense", 1, 1, 0),
            Row("A(S = 3)", 1.5, 0.4, 0.9), Row("A(S = 1)", 1, 0.8, 0.5), Row("A(S = 2)", Math.Pow(1.02, 2), 0.6, 0.7),
            Row("B(S = 1)", 1.01, 0.7, 0.3), Row("B(S = 2)", double.NaN, 0.1, 0.99),
            Row("A(S = 1), B", 1.5, 0.2, 0.9),
        ], share: 0.02);

        reached.Select(family => family.Policies).ShouldBe(["A", "B", "A + B"]);
        reached[0].IsBound.ShouldBeFalse();
        reached[0].SparsityTrue!.Value.ShouldBe(0.6, 1e-9);
        reached[0].SparsityPredicted!.Value.ShouldBe(0.3, 1e-9);
        reached[0].FfnBytesOfDense!.Value.ShouldBe(0.35, 1e-9);
        reached[0].BytesOfDense!.Value.ShouldBe(0.7, 1e-9);
        reached[1].ShouldBe(new PplSparsity("B", 0.3, 0.15, 0.35, 0.7, IsBound: true));
        reached[2].ShouldBe(new PplSparsity("A + B", null, null, null, null, IsBound: false));
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_strings_in_json()
    {
        var predictions = new Predictions();
        predictions.Add([1e30f, 0], [0, 0], [1], vocabulary: 2);
        var run = new EvaluationRun
        {
            Policy = "Dense",
            Perplexity = predictions.Perplexity,
            PerplexityOfDense = predictions.Perplexity / predictions.Perplexity,
            KlDivergence = predictions.Divergence,
            Top1Agreement = predictions.TopAgreement,
            FfnBytesOfDense = 1,
            BytesPerToken = 1,
            BytesOfDense = 1,
            Layers = [new EvaluationLayer(0, 0, 0, null, null, 0, 1)],
        };

        JsonElement written = JsonDocument.Parse(EvalReport.Json(new Evaluation("", "", "", 1, 1, null, 0, [run]))).RootElement.GetProperty("runs")[0];

        written.GetProperty("perplexity").GetString().ShouldBe("Infinity");
        written.GetProperty("perplexity_of_dense").GetString().ShouldBe("NaN");
        written.GetProperty("kl_divergence").GetDouble().ShouldBe(5e29, 1e24);
    }
}
