using Models;
using SparseInfer.Serving;

namespace SparseInfer.Models.Tests;

/// <summary>A service on a real model: what it keeps and meters changes no answer.</summary>
public sealed class ModelServiceTests(LoadedModels models)
{
    private const string Story = " Once upon a time there was a little girl. She liked to play in the big park.";

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluMixedFile)]
    [InlineData(Loaded.Stories260KF16)]
    public async Task The_same_request_gives_the_same_bytes_in_every_mode_whatever_was_asked_before(Loaded loaded)
    {
        LanguageModel model = models.Get(loaded, threads: 2);
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = 5, KeptSessions = 3, MeterEvery = 3 });
        CompletionRequest[] requests =
        [
            .. from round in Enumerable.Range(0, 3)
               from mode in Enum.GetValues<SparsityMode>()
               from i in Enumerable.Range(0, 4)
               select new CompletionRequest(Story[..(20 + (13 * i))])
               {
                   Mode = mode,
                   Options = new GenerationOptions { MaxTokens = 12 + round, Seed = (ulong)i, IgnoreEndOfSequence = true },
               },
        ];
        string[] answers = await Task.WhenAll(requests.Select(request => TextAsync(service.CompleteAsync(request)))).WaitAsync(TimeSpan.FromMinutes(2));

        // What they continue with, a second time: the beginnings are there.
        CompletionRequest[] later = [.. requests.Zip(answers, (request, answer) => new CompletionRequest(request.Prompt + answer + " Then") { Mode = request.Mode, Options = request.Options })];
        string[] laterAnswers = await Task.WhenAll(later.Select(request => TextAsync(service.CompleteAsync(request)))).WaitAsync(TimeSpan.FromMinutes(2));
        foreach ((CompletionRequest request, string answer) in requests.Concat(later).Zip(answers.Concat(laterAnswers)))
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = request.Mode!.Value });
            string expected = await session.GenerateAsync(request.Prompt!, request.Options).TextAsync() + session.LastGeneration!.HeldText;
            answer.ShouldBe(expected, request.ToString());
        }

        service.ReadCounts().CachedTokens.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(SparsityMode.Dense, true)]
    [InlineData(SparsityMode.Exact, true)]
    [InlineData(SparsityMode.Predicted, false)]
    public async Task An_answer_is_computed_again_only_where_its_tokens_would_have_other_bits(SparsityMode mode, bool isReused)
    {
        await using var service = new ModelService(models.Get(Loaded.ReluF16), new ModelServiceOptions { Mode = mode });
        var options = new GenerationOptions { MaxTokens = 20, Temperature = 0, IgnoreEndOfSequence = true };
        var first = new CompletionRequest(Story) { Options = options, LogProbs = 0 };
        int[] prompt = service.Encode(first);
        List<int> answer = [];
        await foreach (ServicePiece piece in service.CompleteAsync(first))
        {
            answer.AddRange(piece.Tokens.Select(token => token.Chosen.Token));
        }

        answer.Count.ShouldBe(20);
        ServiceReport report = (await service.CompleteAsync(new CompletionRequest([.. prompt, .. answer, 300]) { Options = options }).LastAsync()).Report!;

        // The last token of an answer is not computed with it.
        report.CachedTokens.ShouldBe(prompt.Length + (isReused ? 19 : 0));
    }

    [Fact]
    public async Task Where_the_prompt_chooses_neurons_nothing_of_another_prompt_does()
    {
        using var model = ReluPrompts.Load(BundledFiles.ReluGguf, models.Device(1));
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = 1, KeptSessions = 1 });
        foreach (string prompt in (string[])[Story, Story + " One day", Story[..40] + " The dog", Story[..40]])
        {
            foreach (SparsityMode mode in (SparsityMode[])[SparsityMode.Dense, SparsityMode.Predicted])
            {
                var request = new CompletionRequest(prompt) { Mode = mode, Options = new GenerationOptions { MaxTokens = 10, Seed = 1, IgnoreEndOfSequence = true } };
                using Session session = model.CreateSession(new SessionOptions { Mode = mode });
                (await TextAsync(service.CompleteAsync(request))).ShouldBe(await session.GenerateAsync(prompt, request.Options).TextAsync(), request.ToString());
            }
        }

        service.ReadCounts().CachedTokens.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Metered_steps_count_what_a_metered_session_does()
    {
        LanguageModel model = models.Get(Loaded.ReluF16);
        var options = new GenerationOptions { MaxTokens = 13, Temperature = 0, IgnoreEndOfSequence = true };
        using Session session = model.CreateSession(new SessionOptions { Metering = true });
        string text = await session.GenerateAsync(Story, options).TextAsync();
        string[] expected = [.. session.ReadMetrics().Select(layer => layer.ToString())];
        expected[0].ShouldContain("12 tokens");

        foreach (int running in (int[])[1, 4])
        {
            await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = running, MeterEvery = 1 });
            (await TextAsync(service.CompleteAsync(new CompletionRequest(Story) { Options = options }))).ShouldBe(text);
            service.ReadCounts().Layers.Select(layer => layer.ToString()).ShouldBe(expected);
        }

        await using var sampled = new ModelService(model, new ModelServiceOptions { MeterEvery = 4 });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => TextAsync(sampled.CompleteAsync(new CompletionRequest(Story) { Options = options }))));
        sampled.ReadCounts().Layers[5].Tokens.ShouldBeInRange(3, 18);
        await using var unmetered = new ModelService(model);
        await TextAsync(unmetered.CompleteAsync(new CompletionRequest(Story) { Options = options }));
        unmetered.ReadCounts().Layers.ShouldBeEmpty();
    }

    private static async Task<string> TextAsync(IAsyncEnumerable<ServicePiece> pieces)
    {
        string text = "";
        await foreach (ServicePiece piece in pieces)
        {
            text += piece.Text;
        }

        return text;
    }
}
