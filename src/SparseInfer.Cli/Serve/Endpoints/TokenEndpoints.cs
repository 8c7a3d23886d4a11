using System.Text;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>Text to tokens and back, as llama.cpp's server has it.</summary>
/// <param name="server">What all requests share.</param>
internal sealed class TokenEndpoints(ServerContext server)
{
    /// <summary>Most tokens of a request.</summary>
    private const int MaxTokens = 1 << 20;

    /// <summary><c>/tokenize</c>.</summary>
    public async Task TokenizeAsync(HttpContext context)
    {
        Text.Tokenizer tokenizer = server.State.Model!.Tokenizer;
        (int[] tokens, bool withPieces) = await server.Bodies.ReadAsync(
            context,
            parameters =>
            {
                _ = parameters.Require("content");
                string content = parameters.Text("content")!;
                bool addSpecial = parameters.Boolean("add_special") ?? false;
                bool parseSpecial = parameters.Boolean("parse_special") ?? true;
                bool isInPieces = parameters.Boolean("with_pieces") ?? false;
                parameters.EndHere();
                return (tokenizer.Encode(content, addSpecial, parseSpecial), isInPieces);
            },
            context.RequestAborted);
        await (withPieces
            ? Sending.JsonAsync(context, 200, new TokenPiecesReply([.. tokens.Select(token => Piece(tokenizer, token))]), ReplyJson.Default.TokenPiecesReply, server.Options.WriteTimeout, context.RequestAborted)
            : Sending.JsonAsync(context, 200, new TokenizeReply(tokens), ReplyJson.Default.TokenizeReply, server.Options.WriteTimeout, context.RequestAborted));
    }

    /// <summary><c>/detokenize</c>.</summary>
    public async Task DetokenizeAsync(HttpContext context)
    {
        Text.Tokenizer tokenizer = server.State.Model!.Tokenizer;
        int[] tokens = await server.Bodies.ReadAsync(
            context,
            parameters =>
            {
                _ = parameters.Require("tokens");
                int[] ids = CompletionPrompt.TokenIds(parameters.List("tokens", "integers", MaxTokens), "tokens", tokenizer.VocabularySize);
                parameters.EndHere();
                return ids;
            },
            context.RequestAborted);
        await Sending.JsonAsync(context, 200, new DetokenizeReply(tokenizer.Decode(tokens)), ReplyJson.Default.DetokenizeReply, server.Options.WriteTimeout, context.RequestAborted);
    }

    private static TokenPieceReply Piece(Text.Tokenizer tokenizer, int token)
    {
        ReadOnlySpan<byte> bytes = tokenizer.GetBytes(token);
        return new(token, Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : bytes.ToArray().Select(part => (int)part).ToArray());
    }
}
