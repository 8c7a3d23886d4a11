using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0051 and SPI0052, and what rules of other attributes say of experts.</summary>
public sealed class ExpertRuleTests
{
    [Theory]
    [InlineData("[Experts(Count = 8, Active = {|SPI0051:9|})]")]
    [InlineData("[Experts(Count = 1, Active = {|SPI0051:2|})]")]
    [InlineData("[Experts(Count = 8, Active = 8)]")]
    [InlineData("[Experts(Count = 1, Active = 1, Gating = ExpertGating.Sigmoid, Router = RouterInput.Layer)]")]
    [InlineData("[Experts(Count = {|SPI0009:0|}, Active = 2)]")]
    [InlineData("[{|SPI0009:Experts|}(Count = 8)]")]
    [InlineData("[{|SPI0009:Experts|}(Active = 2)]")]
    [InlineData("[Experts(Count = {|SPI0009:-8|}, Active = {|SPI0009:-1|})]")]
    [InlineData("[Experts(Count = {|SPI0010:100000|}, Active = 2)]")]
    [InlineData("[Experts(Count = 8, Active = 2, Gating = {|SPI0021:(ExpertGating)7|}, Router = {|SPI0021:(RouterInput)(-1)|})]")]
    public Task A_router_chooses_among_the_experts_that_there_are(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[FeedForward(Intermediate = 704, Biases = {|SPI0052:true|})]", "[Experts(Count = 8, Active = 2)]")]
    [InlineData("[FeedForward(Intermediate = 704, Biases = false)]", "[Experts(Count = 8, Active = 2)]")]
    [InlineData("[FeedForward(Intermediate = 704, Biases = true)]")]
    public Task Experts_have_no_biases(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));
}
