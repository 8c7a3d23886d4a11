using Models;
using SparseInfer.Files;
using SparseInfer.Serving;

namespace SparseInfer.Models.Tests;

/// <summary>Vectors of texts on real models. Other architectures are compared with llama.cpp in the oracle's tests, GPUs with the CPU in theirs.</summary>
public sealed class EmbeddingTests(LoadedModels models)
{
    private const string Text = " Once upon a time there was a little girl.";

    private static readonly EmbeddingOptions Raw = new() { Pooling = EmbeddingPooling.None, Normalize = false };

    /// <summary>The vectors are the head's input: their products with its rows are the logits that another implementation computed in double precision.</summary>
    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.Stories260KF32)]
    public async Task Times_the_head_they_are_the_golden_logits(Loaded loaded)
    {
        LanguageModel model = models.Get(loaded, threads: 2);
        string folder = loaded == Loaded.ReluF16 ? BundledFiles.ReluFolder : BundledFiles.Stories260KFolder;
        float[] head = Head(loaded == Loaded.ReluF16 ? BundledFiles.ReluGguf : BundledFiles.Stories260KGguf);
        GoldenCase golden = GoldenCase.Read(folder)[0];
        TextEmbedding vectors = await model.EmbedAsync(golden.Tokens, Raw);
        vectors.Count.ShouldBe(golden.Tokens.Length);
        double worst = 0;
        for (int i = 0; i < vectors.Count; i++)
        {
            for (int word = 0; word < Logits.Vocabulary; word++)
            {
                double logit = 0;
                for (int k = 0; k < vectors.Dimensions; k++)
                {
                    logit += (double)vectors[i].Span[k] * head[(word * vectors.Dimensions) + k];
                }

                worst = Math.Max(worst, Math.Abs(logit - golden.Logits[(i * Logits.Vocabulary) + word]));
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{loaded}: {worst:E2}");
        worst.ShouldBeLessThan(1e-3);
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluMixedFile)]
    [InlineData(Loaded.Stories260KF16)]
    public async Task No_bit_depends_on_threads_or_on_how_a_text_is_cut(Loaded loaded)
    {
        int[] tokens = BundledFiles.Opening(300);
        float[] expected = (await models.Get(loaded).EmbedAsync(tokens, Raw)).Values.ToArray();
        foreach ((int threads, int most) in ((int, int)[])[(1, 1), (2, 7), (3, 128), (2, 200)])
        {
            using Session session = models.Get(loaded, threads).CreateSession();
            HiddenPool pool = session.Model.CreatePool(tokens, Raw);
            session.Sequence.Append(tokens, decoded: false);
            while (session.Sequence.Computed < tokens.Length)
            {
                pool.ReadFrom(session.Sequence, most);
            }

            Logits.ShouldBeBitIdentical(pool.Finish().Values.Span, expected, $"{threads} threads, {most} tokens at a time");
        }
    }

    [Fact]
    public async Task Pooling_is_the_mean_the_first_or_the_last_of_the_tokens_vectors()
    {
        LanguageModel model = models.Get(Loaded.ReluF16);
        TextEmbedding each = await model.EmbedAsync(Text, Raw);
        each.Tokens[0].ShouldBe(1, "the begin-of-sequence token");
        each.Count.ShouldBe(each.Tokens.Count);
        each.Dimensions.ShouldBe(model.Shape.Hidden);

        TextEmbedding first = await model.EmbedAsync(Text, Raw with { Pooling = EmbeddingPooling.First });
        first.Values.ToArray().ShouldBe(each[0].ToArray());
        TextEmbedding last = await model.EmbedAsync(Text, Raw with { Pooling = EmbeddingPooling.Last });
        last.Values.ToArray().ShouldBe(each[each.Count - 1].ToArray());
        TextEmbedding mean = await model.EmbedAsync(Text, Raw with { Pooling = EmbeddingPooling.Mean });
        float[] expected = [.. Enumerable.Range(0, each.Dimensions).Select(k => (float)Enumerable.Range(0, each.Count).Average(i => (double)each[i].Span[k]))];
        Logits.MaxDifference(mean.Values.Span, expected).ShouldBeLessThan(1e-6f);

        model.DefaultPooling.ShouldBe(EmbeddingPooling.Mean);
        TextEmbedding usual = await model.EmbedAsync(Text);
        Length(usual.Values.Span).ShouldBe(1, 1e-6);
        usual.Values.Span[0].ShouldBe((float)(mean.Values.Span[0] / Length(mean.Values.Span)), 1e-6f);

        TextEmbedding cut = await model.EmbedAsync(Text, new EmbeddingOptions { Dimensions = 16 });
        cut.Values.Length.ShouldBe(16);
        Length(cut.Values.Span).ShouldBe(1, 1e-6);
        cut.Values.Span[3].ShouldBe((float)(mean.Values.Span[3] / Length(mean.Values.Span[..16])), 1e-6f);
    }

    [Fact]
    public async Task What_cannot_be_embedded_is_refused()
    {
        LanguageModel model = models.Get(Loaded.ReluF16);
        (await Should.ThrowAsync<ArgumentException>(() => model.EmbedAsync((int[])[]))).Message.ShouldContain("Text 0 is empty");
        (await Should.ThrowAsync<ArgumentException>(() => model.EmbedAsync((int[])[512]))).Message.ShouldContain("Token 512");
        (await Should.ThrowAsync<ArgumentException>(() => model.EmbedAsync(Text, new() { Dimensions = 257 }))).Message.ShouldContain("1 to 256");
        TextTooLongException tooLong = await Should.ThrowAsync<TextTooLongException>(() => model.EmbedAsync(BundledFiles.Opening(513)));
        (tooLong.Tokens, tooLong.Context).ShouldBe((513, 512));
        (await model.EmbedAsync(BundledFiles.Opening(512))).Tokens.Count.ShouldBe(512, "nothing follows, so that the whole context is the text's");
        Should.Throw<ArgumentOutOfRangeException>(() => new EmbeddingOptions { Dimensions = 0 });
        Should.Throw<ArgumentOutOfRangeException>(() => new EmbeddingOptions { Pooling = (EmbeddingPooling)9 });
        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(() => model.EmbedAsync(Text, cancellationToken: canceled.Token));
    }

    [Fact]
    public async Task A_gguf_file_says_how_it_is_pooled_and_how_texts_end()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("model.gguf");
        foreach ((uint stored, EmbeddingPooling pooling) in
            ((uint, EmbeddingPooling)[])[(0, EmbeddingPooling.Mean), (1, EmbeddingPooling.Mean), (2, EmbeddingPooling.First), (3, EmbeddingPooling.Last)])
        {
            bool ends = stored > 0;
            new GgufCopy().Add(writer => writer.Add("llama.pooling_type", stored)).Key("tokenizer.ggml.add_eos_token", writer => writer.Add("tokenizer.ggml.add_eos_token", ends))
                .Write(BundledFiles.ReluGguf, path);
            using LanguageModel model = ReluF16.Load(path, models.Device(1), new LoadOptions { ReadIntoMemory = true });
            model.DefaultPooling.ShouldBe(pooling);
            int[] text = model.Tokenizer.Encode(Text, addBeginOfSequence: true);
            TextEmbedding embedding = await model.EmbedAsync(Text);
            embedding.Tokens.ShouldBe(ends ? [.. text, model.Tokenizer.EndOfSequence!.Value] : text);
            embedding.Values.ToArray().ShouldBe((await model.EmbedAsync(embedding.Tokens, new() { Pooling = pooling })).Values.ToArray());
        }
    }

    /// <summary>As sentence-transformers has it, in a folder and in what was prepared from one.</summary>
    [Fact]
    public async Task A_folder_says_how_it_is_pooled()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        File.Copy(BundledFiles.ReluSafetensors, folder.At("model.safetensors"));
        File.Copy(Path.Combine(BundledFiles.ReluFolder, "config.json"), folder.At("config.json"));
        Directory.CreateDirectory(folder.At("1_Pooling"));
        LanguageModel Load(string pooling)
        {
            File.WriteAllText(folder.At("1_Pooling/config.json"), pooling);
            return ReluF16.Load(folder.Root, models.Device(1));
        }

        using (LanguageModel last = Load("""{"word_embedding_dimension": 256, "pooling_mode_mean_tokens": false, "pooling_mode_lasttoken": true, "include_prompt": true}"""))
        {
            last.DefaultPooling.ShouldBe(EmbeddingPooling.Last);
            using ModelFile file = ModelFile.Open(folder.Root);
            ModelPreparation.Write(file, elsewhere.At("prepared.gguf"), new PreparationOptions { NoTokenizer = true });
        }

        using LanguageModel prepared = ReluF16.Load(elsewhere.At("prepared.gguf"), models.Device(1));
        prepared.DefaultPooling.ShouldBe(EmbeddingPooling.Last);
        using LanguageModel both = Load("""{"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true}""");
        both.DefaultPooling.ShouldBeNull();
        (await Should.ThrowAsync<NotSupportedException>(() => both.EmbedAsync([1, 2]))).Message.ShouldStartWith(
            "1_Pooling/config.json asks for pooling_mode_mean_tokens and pooling_mode_max_tokens, which is not computed. Set EmbeddingOptions.Pooling");
        (await both.EmbedAsync([1, 2], Raw)).Count.ShouldBe(2);
        using LanguageModel damaged = Load("{");
        (await Should.ThrowAsync<NotSupportedException>(() => damaged.EmbedAsync([1, 2]))).Message.ShouldContain("not valid JSON");

        const string Pooled = """{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}""";
        File.WriteAllText(folder.At("modules.json"), $$"""[{{Pooled}}, {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]""");
        using (LanguageModel first = Load("""{"pooling_mode_cls_token": true}"""))
        {
            first.DefaultPooling.ShouldBe(EmbeddingPooling.First);
        }

        File.WriteAllText(folder.At("modules.json"), $$"""[{{Pooled}}, {"idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]""");
        using LanguageModel projected = Load("""{"pooling_mode_cls_token": true}""");
        (await Should.ThrowAsync<NotSupportedException>(() => projected.EmbedAsync([1, 2]))).Message.ShouldStartWith(
            "modules.json asks for sentence_transformers.models.Dense, which is not computed. Set EmbeddingOptions.Pooling");
    }

    [Fact]
    public async Task A_service_gives_the_same_bits_beside_answers_and_counts_them()
    {
        LanguageModel model = models.Get(Loaded.ReluF16, threads: 2);
        int[][] texts = [.. Enumerable.Range(0, 6).Select(i => BundledFiles.Opening(5 + (90 * i)))];
        float[][] expected = await Task.WhenAll(texts.Select(async tokens => (await model.EmbedAsync(tokens)).Values.ToArray()));
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = 4, PromptSlice = 24, KeptSessions = 2 });
        var completion = new CompletionRequest(Text) { Options = new GenerationOptions { MaxTokens = 60, Temperature = 0, IgnoreEndOfSequence = true } };
        string answer = string.Concat(await service.CompleteAsync(completion).Select(piece => piece.Text).ToListAsync());

        Task<IReadOnlyList<TextEmbedding>>[] embeddings = [.. Enumerable.Range(0, 3).Select(i => service.EmbedAsync(new EmbeddingRequest([.. texts.Skip(i)])))];
        Task<List<string>>[] answers = [.. Enumerable.Range(0, 4).Select(_ => service.CompleteAsync(completion).Select(piece => piece.Text).ToListAsync().AsTask())];
        for (int i = 0; i < embeddings.Length; i++)
        {
            IReadOnlyList<TextEmbedding> vectors = await embeddings[i].WaitAsync(TimeSpan.FromMinutes(2));
            vectors.Select(vector => vector.Values.ToArray()).ShouldBe(expected.Skip(i));
            vectors.Select(vector => vector.Tokens.Count).ShouldBe(texts.Skip(i).Select(tokens => tokens.Length));
        }

        foreach (Task<List<string>> text in answers)
        {
            string.Concat(await text.WaitAsync(TimeSpan.FromMinutes(2))).ShouldBe(answer);
        }

        ServiceCounts counts = service.ReadCounts();
        (counts.Running, counts.Queued, counts.Answered).ShouldBe((0, 0, 8));
    }

    [Fact]
    public async Task A_service_keeps_to_its_limits()
    {
        LanguageModel model = models.Get(Loaded.ReluF16);
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = 1, MaxQueued = 0, Context = 100 });
        (await Should.ThrowAsync<ArgumentException>(() => service.EmbedAsync(new EmbeddingRequest((string[])[])))).Message.ShouldContain("no text");
        TextTooLongException tooLong = await Should.ThrowAsync<TextTooLongException>(() => service.EmbedAsync(new EmbeddingRequest([[1, 2], BundledFiles.Opening(101)])));
        (tooLong.Index, tooLong.Tokens, tooLong.Context).ShouldBe((1, 101, 100));
        await Should.ThrowAsync<NotSupportedException>(() => service.EmbedAsync(new EmbeddingRequest(Text) { Options = new() { Dimensions = 8 } }));
        (await service.EmbedAsync(new EmbeddingRequest(Text) { Options = new() { Dimensions = 256 } }))[0].Dimensions.ShouldBe(256);

        // The only place is another's.
        using (service.TakePlaces(1, 1))
        {
            await Should.ThrowAsync<ServiceBusyException>(() => service.EmbedAsync(new EmbeddingRequest(Text)));
        }

        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(() => service.EmbedAsync(new EmbeddingRequest(Text), canceled.Token));
        await service.StopAsync(TestContext.Current.CancellationToken);
        await Should.ThrowAsync<ServiceStoppedException>(() => service.EmbedAsync(new EmbeddingRequest(Text)));
        ServiceCounts counts = service.ReadCounts();
        (counts.Running, counts.Queued, counts.Invalid).ShouldBe((0, 0, 3));
    }

    private static double Length(ReadOnlySpan<float> vector)
    {
        double squares = 0;
        foreach (float value in vector)
        {
            squares += (double)value * value;
        }

        return Math.Sqrt(squares);
    }

    /// <summary>The embedding's rows, which both models' heads are.</summary>
    private static float[] Head(string path)
    {
        using ModelFile file = ModelFile.Open(path);
        TensorInfo tensor = file.Tensors.Single(tensor => tensor.Name == "token_embd.weight");
        return tensor.Type.Name == "F16"
            ? [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(tensor.Bytes).ToArray().Select(value => (float)value)]
            : System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray();
    }
}
