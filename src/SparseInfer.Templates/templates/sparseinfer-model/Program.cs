using SparseInfer;

if (args.Length == 0)
{
    Console.Error.WriteLine("Give a model's file, and a text to go on with: dotnet run -c Release -- model.gguf \"Once upon a time\"");
    return 1;
}

string prompt = args.Length > 1 ? string.Join(' ', args[1..]) : "Once upon a time";
using Device device = Device.Best();
using LanguageModel model = MyModel.Load(args[0], device);
using Session session = model.CreateSession();

Console.Write(prompt);
await foreach (string piece in session.GenerateAsync(prompt, new GenerationOptions { MaxTokens = 128, Temperature = 0 }))
{
    Console.Write(piece);
}

Console.WriteLine(session.LastGeneration?.HeldText);
Console.Error.WriteLine(session.LastGeneration);
return 0;
