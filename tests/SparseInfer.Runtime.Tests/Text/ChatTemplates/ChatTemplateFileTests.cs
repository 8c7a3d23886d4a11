using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Runtime.Tests.Files;

namespace SparseInfer.Runtime.Tests.Text.ChatTemplates;

/// <summary>Where a model's chat template is found.</summary>
public sealed class ChatTemplateFileTests : IDisposable
{
    private static readonly ChatTurn[] Hello = [new("user", "Hello")];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_GGUF_file_has_one_or_several()
    {
        var writer = new GgufWriter();
        writer.Add("tokenizer.chat_template", "{{ bos_token }}A{{ eos_token }}{{ unk_token }}{{ pad_token }}");
        writer.Add("tokenizer.chat_template.tool_use", "B");
        writer.Add("tokenizer.chat_templates", (string[])["tool_use"]);
        writer.Add("tokenizer.ggml.tokens", (string[])["<unk>", "<s>", "</s>"]);
        writer.Add("tokenizer.ggml.bos_token_id", 1u);
        writer.Add("tokenizer.ggml.eos_token_id", 2u);
        writer.Add("tokenizer.ggml.padding_token_id", 9u);
        writer.Save(At("m.gguf"));
        ChatTemplate.Open(At("m.gguf"))!.Render(Hello).Text.ShouldBe("<s>A</s>");
        ChatTemplate.Open(_folder.Root)!.BeginOfSequence.ShouldBe("<s>");
        ChatTemplate.Open(At("m.gguf"), "tool_use")!.Source.ShouldBe("B");
        ChatTemplate.Open(At("m.gguf"), "rag").ShouldBeNull();
    }

    [Fact]
    public void A_folder_has_it_in_one_of_two_files()
    {
        Write("tokenizer_config.json", """{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null, "chat_template": "{{ bos_token }}C"}""");
        ChatTemplate.Open(_folder.Root)!.Render(Hello).Text.ShouldBe("<s>C");
        Write("chat_template.jinja", "{{ eos_token }}D\n");
        ChatTemplate.Open(_folder.Root)!.Render(Hello).Text.ShouldBe("</s>D");
        Write("mine.jinja", "{{ eos_token }}E");
        ChatTemplate.Open(At("mine.jinja"))!.Render(Hello).Text.ShouldBe("</s>E");
    }

    [Fact]
    public void A_list_has_names()
    {
        Write("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "A"}, {"name": "rag", "template": "B"}]}""");
        ChatTemplate.Open(_folder.Root)!.Source.ShouldBe("A");
        ChatTemplate.Open(_folder.Root, "rag")!.Source.ShouldBe("B");
        Write("tokenizer_config.json", """{"chat_template": [{"name": "default"}]}""");
        Should.Throw<ModelFormatException>(() => ChatTemplate.Open(_folder.Root)).Message.ShouldContain("'chat_template[0].template' is missing");
        Write("tokenizer_config.json", """{"chat_template": 1}""");
        Should.Throw<ModelFormatException>(() => ChatTemplate.Open(_folder.Root)).Message.ShouldContain("'chat_template' is not an array");
        Write("tokenizer_config.json", "{}");
        ChatTemplate.Open(_folder.Root).ShouldBeNull();
        Should.Throw<FileNotFoundException>(() => ChatTemplate.Open(At("nothing")));
    }

    [Fact]
    public void A_model_whose_template_cannot_be_used_says_so()
    {
        File.Copy(TestModels.StoriesReluSafetensors, At("model.safetensors"));
        using ModelFile file = ModelFile.Open(At("model.safetensors"));
        List<string> notes = [];
        ChatTemplateReader.OfModel(file, notes).ShouldBeNull();
        notes.ShouldBeEmpty();
        Write("chat_template.jinja", "{% if x %}");
        ChatTemplateReader.OfModel(file, notes).ShouldBeNull();
        notes.ShouldBe(["No chat template: chat template, line 1, column 4: 'if' does not end: '{% endif %}' is missing."]);
    }

    private string At(string name) => Path.Combine(_folder.Root, name);

    private void Write(string name, string text) => File.WriteAllText(At(name), text);
}
