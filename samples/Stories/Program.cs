using SparseInfer;
using Stories;

using Device device = Device.Cpu(2);
using var model = StoriesRelu.Load(Path.Combine(AppContext.BaseDirectory, "model", "stories-relu.gguf"), device);
using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
await foreach (string piece in session.GenerateAsync("Once upon a time", new() { MaxTokens = 100, Temperature = 0 }))
{
    Console.Write(piece);
}

Console.WriteLine();
Console.WriteLine(session.LastGeneration);
